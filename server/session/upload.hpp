/// Brings an exam to the server, from where the last attempt stopped.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "session/connection.hpp"
#include "session/exam_cache.hpp"

namespace chistream {

struct UploadProgress {
  std::uint64_t durable = 0;  // bytes on the server's disk
  std::uint64_t total = 0;
};

struct UploadWatch {
  std::function<void(UploadProgress)> progress = [](UploadProgress) {};
  std::function<void(std::uint64_t offset)> resuming = [](std::uint64_t) {
  };  // not at the beginning
  Patience patience;
};

struct Uploaded {
  std::string upload_id;
  qsm::v1::InputSummary summary;
  double upload_s = 0;
  double commit_s = 0;
};

/// Opens an upload named by the exam's digest, so that the same exam finds the upload it began
/// before, whoever sends it; sends what is missing in chunks of 1 MiB within the server's credit;
/// commits.
///
/// A broken connection is taken up again at the durable offset for as long as `watch.patience`
/// allows. An upload whose bytes the server finds damaged at commit is sent once more from the
/// start. Throws RpcError; an exam that the server refuses is aborted there, so that it takes no
/// space.
Uploaded upload_exam(Connection& server, Exam const& exam, UploadWatch const& watch);

}  // namespace chistream
