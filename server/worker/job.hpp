/// One reconstruction from a container to its artifacts; what `serve` and `run` have in common.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "device/device.hpp"
#include "qsm/v1/job.pb.h"
#include "worker/artifacts.hpp"

namespace chistream {

struct JobInput {
  std::string job_id;
  qsm::v1::JobSpec spec;  // pipeline, overrides, identity
  std::filesystem::path container;
  std::string input_sha256;
  std::int64_t created_at_unix_s = 0;
  int device_index = 0;  // of the device that runs it
};

struct JobOutcome {
  std::vector<qsm::v1::StageTime> stage_times;  // of the chain, then "store"
  std::uint64_t peak_bytes = 0;                 // of this process, and of its GPU
  std::vector<std::string> warnings;
  std::uint32_t artifacts = 0;
};

using ProgressSink = std::function<void(qsm::v1::Progress const&)>;

/// The options that a spec asks for. Throws Error as find_preset() and set_option().
qsm::PipelineOptions options_of(qsm::v1::JobSpec const& spec);

/// Throws Error and FormatError as reconstruct(), ContainerReader, find_preset(), set_option() and
/// check_identity() do; the last three before any work is done.
JobOutcome run_job(qsm::ThisDevice const& device, JobInput const& input, ArtifactSink const& sink,
                   std::stop_token stop, ProgressSink const& on_progress);

}  // namespace chistream
