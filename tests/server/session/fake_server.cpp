#include "fake_server.hpp"

#include <algorithm>

#include "container/framing.hpp"
#include "container/sha256.hpp"

namespace chistream::test {

namespace {

qsm::v1::Artifact described_file(std::string const& name, std::string const& bytes) {
  qsm::v1::Artifact artifact;
  artifact.set_name(name);
  artifact.set_media_type(name.starts_with("dicom/") ? "application/dicom" : "application/gzip");
  artifact.set_bytes(bytes.size());
  artifact.set_sha256(qsm::container::sha256_hex(bytes));
  return artifact;
}

}  // namespace

FakeServer::FakeServer() {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(static_cast<qsm::v1::UploadService::Service*>(this));
  builder.RegisterService(static_cast<qsm::v1::ResultService::Service*>(this));
  server_ = builder.BuildAndStart();
  address_ = "127.0.0.1:" + std::to_string(port);
}

FakeServer::~FakeServer() {
  server_->Shutdown(std::chrono::system_clock::now());
}

qsm::v1::Upload FakeServer::described() {
  qsm::v1::Upload upload;
  upload.set_upload_id("the-upload");
  upload.set_state(is_aborted_ ? qsm::v1::UPLOAD_STATE_ABORTED : qsm::v1::UPLOAD_STATE_OPEN);
  upload.set_durable_offset(stored.size());
  upload.set_credit_bytes(credit);
  upload.set_max_chunk_bytes(1u << 20);
  return upload;
}

grpc::Status FakeServer::CreateUpload(grpc::ServerContext*,
                                      qsm::v1::CreateUploadRequest const* request,
                                      qsm::v1::Upload* response) {
  std::scoped_lock const lock(mutex_);
  if (request_id_ != request->request_id()) {
    request_id_ = request->request_id();
    ++uploads_opened;
    is_aborted_ = false;
    stored.clear();
  }
  *response = described();
  return grpc::Status::OK;
}

grpc::Status FakeServer::WriteChunks(
    grpc::ServerContext*,
    grpc::ServerReaderWriter<qsm::v1::ChunkAck, qsm::v1::ChunkRequest>* stream) {
  qsm::v1::ChunkRequest chunk;
  for (int count = 0; stream->Read(&chunk); ++count) {
    std::scoped_lock const lock(mutex_);
    auto const bytes = std::as_bytes(std::span(chunk.data()));
    bool resend =
        chunk.offset() != stored.size() || qsm::container::crc32c(bytes) != chunk.crc32c();
    if (ask_again_once && count == 1) {
      ask_again_once = false;
      resend = true;
    }
    most_outstanding =
        std::max(most_outstanding, chunk.offset() + chunk.data().size() - stored.size());
    if (!resend) stored += chunk.data();
    if (stored.size() > break_after) {
      break_after = UINT64_MAX;
      return {grpc::UNAVAILABLE, "the link is torn"};
    }
    qsm::v1::ChunkAck ack;
    ack.set_durable_offset(stored.size());
    ack.set_credit_bytes(credit);
    ack.set_resend(resend);
    stream->Write(ack);
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::GetUpload(grpc::ServerContext*, qsm::v1::UploadRef const*,
                                   qsm::v1::Upload* response) {
  std::scoped_lock const lock(mutex_);
  *response = described();
  return grpc::Status::OK;
}

grpc::Status FakeServer::CommitUpload(grpc::ServerContext*, qsm::v1::CommitUploadRequest const*,
                                      qsm::v1::InputSummary*) {
  if (damaged_commits-- > 0) return {grpc::DATA_LOSS, "other bytes arrived"};
  return commit_status;
}

grpc::Status FakeServer::AbortUpload(grpc::ServerContext*, qsm::v1::UploadRef const*,
                                     qsm::v1::Upload*) {
  std::scoped_lock const lock(mutex_);
  is_aborted_ = true;
  ++aborted;
  return grpc::Status::OK;
}

grpc::Status FakeServer::ListArtifacts(grpc::ServerContext*, qsm::v1::ListArtifactsRequest const*,
                                       qsm::v1::ArtifactList* response) {
  for (auto const& [name, bytes] : files) *response->add_artifacts() = described_file(name, bytes);
  return grpc::Status::OK;
}

grpc::Status FakeServer::ReadArtifact(grpc::ServerContext*,
                                      qsm::v1::ReadArtifactRequest const* request,
                                      grpc::ServerWriter<qsm::v1::DataChunk>* stream) {
  std::string bytes = files[request->name()];
  if (damage) bytes.back() ^= 1;
  bool const torn = break_reads-- > 0;
  std::size_t const end = torn ? (request->offset() + bytes.size()) / 2 : bytes.size();
  for (std::size_t at = request->offset(); at < end; at += 1000) {
    qsm::v1::DataChunk chunk;
    chunk.set_offset(at);
    chunk.set_data(bytes.substr(at, std::min<std::size_t>(1000, end - at)));
    stream->Write(chunk);
  }
  return torn ? grpc::Status(grpc::UNAVAILABLE, "the link is torn") : grpc::Status::OK;
}

grpc::Status FakeServer::StreamSeries(grpc::ServerContext*, qsm::v1::StreamSeriesRequest const*,
                                      grpc::ServerWriter<qsm::v1::SeriesItem>* stream) {
  qsm::v1::SeriesItem manifest;
  for (auto const& [name, bytes] : files) {
    if (!name.starts_with("dicom/")) continue;
    auto const artifact = described_file(name, bytes);
    qsm::v1::SeriesItem item;
    *item.mutable_head() = artifact;
    stream->Write(item);
    if (break_reads-- > 0) return {grpc::UNAVAILABLE, "the link is torn"};
    for (std::size_t at = 0; at < bytes.size(); at += 1000) {
      item.set_data(bytes.substr(at, 1000));
      stream->Write(item);
    }
    *manifest.mutable_manifest()->add_entries() = artifact;
  }
  manifest.mutable_manifest()->set_instances(
      static_cast<std::uint32_t>(manifest.manifest().entries_size()));
  if (!drop_manifest) stream->Write(manifest);
  return grpc::Status::OK;
}

}  // namespace chistream::test
