#include "daemon/upload_service.hpp"

#include <algorithm>

#include "daemon/ack_writer.hpp"
#include "daemon/request_checks.hpp"
#include "store/request_error.hpp"

namespace chistream {

UploadService::UploadService(DaemonOptions const& options, Gate& gate, Quota& quota,
                             Admission& admission, Metrics& metrics, Journal& journal, Spool& spool,
                             Inspector inspector)
    : gate_(gate),
      quota_(quota),
      admission_(admission),
      metrics_(metrics),
      credit_bytes_(options.credit_mib << 20),
      journal_(journal),
      spool_(spool),
      inspector_(std::move(inspector)) {}

grpc::Status UploadService::CreateUpload(grpc::ServerContext* context,
                                         qsm::v1::CreateUploadRequest const* request,
                                         qsm::v1::Upload* response) {
  return gate_.answer(*context, "UploadService/CreateUpload", *request, [&](Caller const& caller) {
    check_request_id(request->request_id());
    if (!request->sha256().empty()) check_sha256(request->sha256());
    if (auto const earlier = journal_.created_upload({*request, caller.tenant})) {
      *response = described(*earlier);
      return;
    }
    quota_.require_room_for_upload(caller.tenant, request->declared_bytes());
    admission_.require_room(request->declared_bytes());
    *response = described(journal_.create_upload(*request, caller.tenant));
  });
}

grpc::Status UploadService::WriteChunks(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<qsm::v1::ChunkAck, qsm::v1::ChunkRequest>* stream) {
  return gate_.answer(*context, "UploadService/WriteChunks", qsm::v1::ChunkRequest(),
                      [&](Caller const& caller) {
                        qsm::v1::ChunkRequest chunk;
                        if (!stream->Read(&chunk)) return;
                        gate_.require_own(caller, chunk);
                        std::string const upload_id = chunk.upload_id();
                        auto const upload = open(upload_id);
                        std::uint64_t const lease = upload->take_lease();
                        std::uint64_t const before = upload->durable();
                        AckWriter acks(*upload, *stream, credit_bytes_);
                        do {
                          if (!chunk.upload_id().empty() && chunk.upload_id() != upload_id)
                            throw RequestError(grpc::INVALID_ARGUMENT, "UPLOAD_ID_CHANGED",
                                               "a stream carries one upload");
                          OpenUpload::Taken const taken = upload->append(lease, chunk);
                          if (taken == OpenUpload::Taken::kResend) metrics_.chunk_damaged();
                          acks.taken(taken);
                        } while (stream->Read(&chunk));
                        acks.finish();
                        metrics_.bytes_uploaded(upload->durable() - before);
                      });
}

grpc::Status UploadService::GetUpload(grpc::ServerContext* context,
                                      qsm::v1::UploadRef const* request,
                                      qsm::v1::Upload* response) {
  return gate_.answer(*context, "UploadService/GetUpload", *request, [&](Caller const&) {
    *response = described(journal_.upload(request->upload_id()));
  });
}

grpc::Status UploadService::CommitUpload(grpc::ServerContext* context,
                                         qsm::v1::CommitUploadRequest const* request,
                                         qsm::v1::InputSummary* response) {
  return gate_.answer(*context, "UploadService/CommitUpload", *request, [&](Caller const&) {
    check_sha256(request->sha256());
    *response = open(request->upload_id())->commit(*request, inspector_);
    forget(request->upload_id());
  });
}

grpc::Status UploadService::AbortUpload(grpc::ServerContext* context,
                                        qsm::v1::UploadRef const* request,
                                        qsm::v1::Upload* response) {
  return gate_.answer(*context, "UploadService/AbortUpload", *request, [&](Caller const&) {
    open(request->upload_id())->abort();
    forget(request->upload_id());
    *response = described(journal_.upload(request->upload_id()));
  });
}

std::shared_ptr<OpenUpload> UploadService::open(std::string const& upload_id) {
  bool const is_open = journal_.upload(upload_id).upload.state() == qsm::v1::UPLOAD_STATE_OPEN;
  std::scoped_lock const lock(mutex_);
  auto const found = open_.find(upload_id);
  if (found != open_.end()) return found->second;
  auto const upload = std::make_shared<OpenUpload>(journal_, spool_, upload_id);
  if (is_open) open_[upload_id] = upload;
  return upload;
}

void UploadService::forget(std::string const& upload_id) {
  std::scoped_lock const lock(mutex_);
  open_.erase(upload_id);
}

qsm::v1::Upload UploadService::described(UploadRecord const& record) const {
  qsm::v1::Upload upload = record.upload;
  upload.set_credit_bytes(credit_bytes_);
  upload.set_max_chunk_bytes(static_cast<std::uint32_t>(kMaxChunkBytes));
  return upload;
}

}  // namespace chistream
