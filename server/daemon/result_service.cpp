#include "daemon/result_service.hpp"

#include <algorithm>
#include <chrono>

#include "container/sha256.hpp"
#include "store/request_error.hpp"

namespace chistream {
namespace {

constexpr std::size_t kPieceBytes = 1u << 20;
constexpr char kDicom[] = "application/dicom";

std::span<std::byte> writable_bytes(std::string& text) {
  return std::as_writable_bytes(std::span(text.data(), text.size()));
}

[[noreturn]] void damaged(qsm::v1::Artifact const& artifact) {
  throw RequestError(grpc::DATA_LOSS, "ARTIFACT_DAMAGED",
                     artifact.name() + " is not what the worker delivered", "submit the job again");
}

// Calls send(offset, piece) for every piece from `offset` on, until it answers false. What is read
// from the start is compared with the digest.
template <class Send>
bool read_pieces(File const& file, qsm::v1::Artifact const& artifact, std::uint64_t offset,
                 Send const& send) {
  bool const whole = offset == 0;
  qsm::container::Sha256 sha256;
  while (offset < artifact.bytes()) {
    std::string piece(std::min<std::uint64_t>(kPieceBytes, artifact.bytes() - offset), '\0');
    if (file.read_at(offset, writable_bytes(piece)) != piece.size()) damaged(artifact);
    if (whole) sha256.update(writable_bytes(piece));
    std::uint64_t const next = offset + piece.size();
    if (!send(offset, std::move(piece))) return false;
    offset = next;
  }
  if (whole && sha256.hex_digest() != artifact.sha256()) damaged(artifact);
  return true;
}

}  // namespace

std::vector<qsm::v1::Artifact> ResultService::artifacts(std::string const& job_id) {
  require_result(journal_.job(job_id).job);
  return journal_.artifacts(job_id);
}

grpc::Status ResultService::ListArtifacts(grpc::ServerContext* context,
                                          qsm::v1::ListArtifactsRequest const* request,
                                          qsm::v1::ArtifactList* response) {
  return gate_.answer(*context, "ResultService/ListArtifacts", *request, [&](Caller const&) {
    for (auto& artifact : artifacts(request->job_id()))
      *response->add_artifacts() = std::move(artifact);
  });
}

grpc::Status ResultService::ReadArtifact(grpc::ServerContext* context,
                                         qsm::v1::ReadArtifactRequest const* request,
                                         grpc::ServerWriter<qsm::v1::DataChunk>* stream) {
  return gate_.answer(*context, "ResultService/ReadArtifact", *request, [&](Caller const&) {
    auto const all = artifacts(request->job_id());
    auto const found = std::find_if(all.begin(), all.end(), [&](qsm::v1::Artifact const& artifact) {
      return artifact.name() == request->name();
    });
    if (found == all.end())
      throw RequestError(grpc::NOT_FOUND, "ARTIFACT_NOT_FOUND",
                         "this job has no artifact of this name");
    if (request->offset() > found->bytes())
      throw RequestError(grpc::OUT_OF_RANGE, "OFFSET_BEYOND_END",
                         "offset " + std::to_string(request->offset()) + " of " +
                             std::to_string(found->bytes()) + " bytes");
    File const file = spool_.open_result(request->job_id(), found->name());
    read_pieces(file, *found, request->offset(), [&](std::uint64_t offset, std::string piece) {
      qsm::v1::DataChunk chunk;
      chunk.set_offset(offset);
      chunk.set_data(std::move(piece));
      return stream->Write(chunk);
    });
  });
}

grpc::Status ResultService::StreamSeries(grpc::ServerContext* context,
                                         qsm::v1::StreamSeriesRequest const* request,
                                         grpc::ServerWriter<qsm::v1::SeriesItem>* stream) {
  return gate_.answer(*context, "ResultService/StreamSeries", *request, [&](Caller const&) {
    qsm::v1::SeriesItem manifest;
    for (auto const& artifact : artifacts(request->job_id())) {  // by name, which is slice order
      if (artifact.media_type() != kDicom) continue;
      qsm::v1::SeriesItem item;
      *item.mutable_head() = artifact;
      if (!stream->Write(item)) return;
      File const file = spool_.open_result(request->job_id(), artifact.name());
      bool const sent = read_pieces(file, artifact, 0, [&](std::uint64_t, std::string piece) {
        item.set_data(std::move(piece));
        return stream->Write(item);
      });
      if (!sent) return;
      *manifest.mutable_manifest()->add_entries() = artifact;
    }
    auto& entries = *manifest.mutable_manifest();
    entries.set_instances(static_cast<std::uint32_t>(entries.entries_size()));
    stream->Write(manifest);
  });
}

grpc::Status ResultService::DeleteResult(grpc::ServerContext* context,
                                         qsm::v1::DeleteResultRequest const* request,
                                         qsm::v1::DeleteResultResponse*) {
  return gate_.answer(*context, "ResultService/DeleteResult", *request,
                      [&](Caller const&) { retention_.delete_result(request->job_id()); });
}

grpc::Status ResultService::ExtendRetention(grpc::ServerContext* context,
                                            qsm::v1::ExtendRetentionRequest const* request,
                                            qsm::v1::ExtendRetentionResponse* response) {
  return gate_.answer(*context, "ResultService/ExtendRetention", *request, [&](Caller const&) {
    using namespace std::chrono;
    constexpr seconds kFarthest = years(100);
    auto const now = system_clock::now();
    system_clock::time_point const until(seconds(std::min<std::int64_t>(
        request->keep_until().seconds(),
        (duration_cast<seconds>(now.time_since_epoch()) + kFarthest).count())));
    if (until < now)
      throw RequestError(grpc::INVALID_ARGUMENT, "BAD_TIME", "keep_until lies in the past");
    if (auto const due = retention_.extend(request->job_id(), until))
      response->mutable_keep_until()->set_seconds(
          duration_cast<seconds>(due->time_since_epoch()).count());
  });
}

}  // namespace chistream
