/// Which worker program this server runs, and what it said about itself.
#pragma once

#include <filesystem>
#include <string>

#include "qsm/v1/pipeline.pb.h"

namespace chistream {

struct WorkerChoice {
  std::filesystem::path program;
  qsm::v1::WorkerCatalogue catalogue;

  std::uint64_t largest_device_bytes() const;
};

/// `device` is auto, cuda or cpu; the programs are chistream-worker-cuda and chistream-worker-cpu
/// in `directory`, asked by `describe`. auto takes CUDA where it lists a device and says in the log
/// why it did not. Throws RequestError FAILED_PRECONDITION: NO_CUDA_DEVICE (cuda never falls back),
/// NO_WORKER.
/// `elsewhere`: it will run on other machines, whose devices are not known: none has to be here.
WorkerChoice choose_worker(std::string const& device, std::filesystem::path const& directory,
                           bool elsewhere = false);

}  // namespace chistream
