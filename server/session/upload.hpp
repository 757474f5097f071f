/// Brings an exam to the server, from where the last attempt stopped.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "formats/growing_file.hpp"
#include "session/connection.hpp"
#include "session/exam_cache.hpp"

namespace chistream {

struct UploadProgress {
  std::uint64_t durable = 0;  // bytes on the server's disk
  std::uint64_t total = 0;    // 0: not known yet
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

/// The same while the exam is still being made. Its upload is called `name`: whoever makes the same
/// exam again under this name goes on where the last attempt stopped. Nothing is asked of the
/// server before the first byte is there. Throws also what `exam` throws: the upload is then
/// aborted.
Uploaded upload_growing_exam(Connection& server, std::string const& name, GrowingFile const& exam,
                             UploadWatch const& watch);

/// Best effort: what stays is removed by the server in time.
void abort_upload(Connection& server, std::string const& upload_id);

}  // namespace chistream
