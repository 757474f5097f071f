#include "session/upload.hpp"

#include "formats/mapped_file.hpp"
#include "session/chunk_stream.hpp"
#include "session/stopwatch.hpp"

namespace chistream {

namespace {

/// The upload of this exam. Earlier ones under the same digest may be gone: `generation`
/// counts on past them.
qsm::v1::Upload create(Connection& server, Exam const& exam, UploadWatch const& watch,
                       unsigned& generation) {
  for (;; ++generation) {
    qsm::v1::CreateUploadRequest request;
    request.set_request_id("exam-" + exam.sha256 + "-" + std::to_string(generation));
    request.set_declared_bytes(exam.bytes);
    request.set_sha256(exam.sha256);
    auto const upload = call_with_patience<qsm::v1::Upload>(
        watch.patience, [&](grpc::ClientContext* context, qsm::v1::Upload* response) {
          return server.uploads->CreateUpload(context, request, response);
        });
    bool const gone = upload.state() == qsm::v1::UPLOAD_STATE_ABORTED ||
                      upload.state() == qsm::v1::UPLOAD_STATE_REMOVED;
    if (!gone) return upload;
  }
}

void send(Connection& server, Exam const& exam, qsm::v1::Upload const& opened,
          UploadWatch const& watch) {
  MappedFile const file(exam.path);
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
    if (upload.state() != qsm::v1::UPLOAD_STATE_OPEN || upload.durable_offset() == exam.bytes)
      return;
    if (upload.durable_offset() > 0) watch.resuming(upload.durable_offset());
    send_chunks(*server.uploads, upload, file.bytes(), [&](std::uint64_t durable) {
      got_on();
      watch.progress({durable, exam.bytes});
    });
  });
}

void abort_upload(Connection& server, std::string const& upload_id) {
  qsm::v1::UploadRef ref;
  ref.set_upload_id(upload_id);
  grpc::ClientContext context;
  qsm::v1::Upload ignored;
  server.uploads->AbortUpload(&context, ref, &ignored);  // best effort: the refusal is the news
}

qsm::v1::InputSummary commit(Connection& server, Exam const& exam, std::string const& upload_id,
                             Patience const& patience) {
  qsm::v1::CommitUploadRequest request;
  request.set_upload_id(upload_id);
  request.set_total_bytes(exam.bytes);
  request.set_sha256(exam.sha256);
  qsm::v1::InputSummary summary;
  with_patience(patience, [&](auto const&) {
    grpc::ClientContext context;  // no deadline: a worker reads the whole exam meanwhile
    check(server.uploads->CommitUpload(&context, request, &summary));
  });
  return summary;
}

}  // namespace

Uploaded upload_exam(Connection& server, Exam const& exam, UploadWatch const& watch) {
  unsigned generation = 0;
  for (bool again = false;; again = true) {
    Uploaded result;
    Stopwatch clock;
    auto const upload = create(server, exam, watch, generation);
    result.upload_id = upload.upload_id();
    send(server, exam, upload, watch);
    result.upload_s = clock.lap();
    try {
      result.summary = commit(server, exam, result.upload_id, watch.patience);
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

}  // namespace chistream
