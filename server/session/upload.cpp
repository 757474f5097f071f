#include "session/upload.hpp"

#include <array>

#include "formats/format_error.hpp"
#include "session/chunk_stream.hpp"
#include "session/stopwatch.hpp"

namespace chistream {

namespace {

/// What is sent, and as what. Earlier uploads of the name may be gone: `generation` counts on past
/// them.
struct Sending {
  std::string name;
  GrowingFile const& file;
  std::uint64_t declared_bytes = 0;  // 0 and "" where the file still grows
  std::string declared_sha256 = {};
  unsigned generation = 0;
};

qsm::v1::Upload create(Connection& server, Sending& sending, UploadWatch const& watch) {
  for (;; ++sending.generation) {
    qsm::v1::CreateUploadRequest request;
    request.set_request_id(sending.name + '-' + std::to_string(sending.generation));
    request.set_declared_bytes(sending.declared_bytes);
    request.set_sha256(sending.declared_sha256);
    auto const upload = call_with_patience<qsm::v1::Upload>(
        watch.patience, [&](grpc::ClientContext* context, qsm::v1::Upload* response) {
          return server.uploads->CreateUpload(context, request, response);
        });
    bool const gone = upload.state() == qsm::v1::UPLOAD_STATE_ABORTED ||
                      upload.state() == qsm::v1::UPLOAD_STATE_REMOVED;
    if (!gone) return upload;
  }
}

void send(Connection& server, Sending const& sending, qsm::v1::Upload const& opened,
          UploadWatch const& watch) {
  qsm::v1::Upload upload = opened;
  bool first = true;
  with_patience(watch.patience, [&](auto const& got_on) {
    if (!first) {
      qsm::v1::UploadRef ref;
      ref.set_upload_id(opened.upload_id());
      grpc::ClientContext context;
      check(server.uploads->GetUpload(&context, ref, &upload));
      got_on();
    }
    first = false;
    bool const all_there =
        sending.declared_bytes > 0 && upload.durable_offset() == sending.declared_bytes;
    if (upload.state() != qsm::v1::UPLOAD_STATE_OPEN || all_there) return;
    if (upload.durable_offset() > 0) watch.resuming(upload.durable_offset());
    send_chunks(*server.uploads, upload, sending.file, [&](std::uint64_t durable) {
      got_on();
      watch.progress({durable, sending.declared_bytes});
    });
  });
}

qsm::v1::InputSummary commit(Connection& server, GrowingFile const& exam,
                             std::string const& upload_id, Patience const& patience) {
  qsm::v1::CommitUploadRequest request;
  request.set_upload_id(upload_id);
  request.set_sha256(exam.sha256());
  request.set_total_bytes(exam.size());
  qsm::v1::InputSummary summary;
  with_patience(patience, [&](auto const&) {
    grpc::ClientContext context;  // no deadline: a worker reads the whole exam meanwhile
    check(server.uploads->CommitUpload(&context, request, &summary));
  });
  return summary;
}

Uploaded upload(Connection& server, Sending sending, UploadWatch const& watch) {
  for (bool again = false;; again = true) {
    Uploaded result;
    Stopwatch clock;
    auto const upload = create(server, sending, watch);
    result.upload_id = upload.upload_id();
    try {
      send(server, sending, upload, watch);
      result.upload_s = clock.lap();
      result.summary = commit(server, sending.file, result.upload_id, watch.patience);
    } catch (FormatError const&) {
      abort_upload(server, result.upload_id);
      throw;
    } catch (RpcError const& error) {
      bool const damaged = error.code() == grpc::DATA_LOSS;
      if (damaged || error.code() == grpc::INVALID_ARGUMENT) abort_upload(server, result.upload_id);
      if (damaged && !again) continue;
      throw;
    }
    result.commit_s = clock.lap();
    return result;
  }
}

}  // namespace

void abort_upload(Connection& server, std::string const& upload_id) {
  qsm::v1::UploadRef ref;
  ref.set_upload_id(upload_id);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  qsm::v1::Upload ignored;
  server.uploads->AbortUpload(&context, ref, &ignored);
}

Uploaded upload_exam(Connection& server, Exam const& exam, UploadWatch const& watch) {
  GrowingFile const file(exam.path, exam.sha256);
  return upload(server, {"exam-" + exam.sha256, file, exam.bytes, exam.sha256}, watch);
}

Uploaded upload_growing_exam(Connection& server, std::string const& name, GrowingFile const& exam,
                             UploadWatch const& watch) {
  std::array<std::byte, 1> first;
  exam.read(0, first);
  return upload(server, {name, exam}, watch);
}

}  // namespace chistream
