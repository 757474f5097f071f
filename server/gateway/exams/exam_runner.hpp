/// Takes one exam from its images to a result on disk, through the daemon.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "gateway/reception/inbox.hpp"
#include "gateway/settings.hpp"
#include "qsm/v1/dicom.pb.h"
#include "session/connection.hpp"

namespace chistream::gateway {

/// What became of an exam.
struct ExamResult {
  std::string job_id;
  std::vector<std::string> files;  // DICOM instances, named from `state`, in the order to be sent
};

/// The daemon, with the token of the sender's tenant if it has one of its own.
Connection connect_for(Settings const& settings, Origin const& origin);

/// Converts the images (in a process of its own, which a hostile image may end) and uploads the
/// exam as it is converted, unless that was done while the scan ran; submits the job, waits for its
/// end and fetches the series. Every step that was done before is found again: the same images are
/// the same upload and the same job. Goes on trying for as long as the daemon does not answer.
/// `job_known` is called with the job's id.
///
/// Throws FormatError (of the images, or the job's own error) and RpcError (what the daemon
/// refuses).
ExamResult run_exam(Settings const& settings, std::filesystem::path const& state,
                    qsm::v1::ReceivedExam const& exam,
                    std::function<void(std::string const&)> const& job_known);

/// `chistream-gateway convert`: the instances of `folder` whose UIDs stand in `list`, one per line,
/// as a container; or the captured MRD stream that `folder` is. Returns the exit code; to stdout
/// goes the SHA-256 of the container, or why there is none, "REASON: text".
int convert_images(std::filesystem::path const& folder, std::filesystem::path const& list,
                   std::filesystem::path const& container);

}  // namespace chistream::gateway
