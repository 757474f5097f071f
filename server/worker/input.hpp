/// Where a job's exam is: in the spool, if this machine sees it, or fetched from the daemon.
#pragma once

#include <filesystem>

#include "qsm/v1/worker.grpc.pb.h"

namespace chistream {

/// Removes what it fetched when it goes.
class Input {
 public:
  /// Fetches to the temporary folder when task.input_path() is not there. Throws qsm::Error
  /// INPUT_UNREACHABLE; what was fetched is checked record by record as it is read.
  Input(qsm::v1::WorkerService::Stub& stub, qsm::v1::ClaimResponse const& task);
  ~Input();
  Input(Input const&) = delete;

  std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
  bool fetched_ = false;
};

}  // namespace chistream
