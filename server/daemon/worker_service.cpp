#include "daemon/worker_service.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>

#include "container/sha256.hpp"
#include "store/request_error.hpp"
#include "store/status.hpp"

namespace chistream {
namespace {

// Data messages until the stream ends, checked against what the head announced.
void receive(grpc::ServerReader<qsm::v1::PutArtifactRequest>& stream,
             qsm::v1::Artifact const& artifact, File& file) {
  qsm::container::Sha256 sha256;
  std::uint64_t offset = 0;
  for (qsm::v1::PutArtifactRequest message; stream.Read(&message);) {
    auto const data = std::as_bytes(std::span(message.data().data(), message.data().size()));
    if (!message.has_data() || data.size() > artifact.bytes() - offset)
      throw RequestError(grpc::INVALID_ARGUMENT, "ARTIFACT_MISMATCH",
                         artifact.name() + ": more than the announced " +
                             std::to_string(artifact.bytes()) + " bytes");
    file.write_at(offset, data);
    sha256.update(data);
    offset += data.size();
  }
  if (offset != artifact.bytes() || sha256.hex_digest() != artifact.sha256())
    throw RequestError(grpc::DATA_LOSS, "ARTIFACT_MISMATCH",
                       artifact.name() + ": " + std::to_string(offset) + " of " +
                           std::to_string(artifact.bytes()) + " bytes, or another SHA-256");
  file.sync();
}

}  // namespace

std::optional<std::string> WorkerService::require_known(grpc::ServerContext const& context) const {
  // The Unix socket lies in a directory that lets nobody else in.
  if (context.peer().starts_with("unix:")) return std::nullopt;
  constexpr std::string_view kBearer = "Bearer ";
  auto const found = context.client_metadata().find("authorization");
  std::string_view const sent = found == context.client_metadata().end()
                                    ? std::string_view()
                                    : std::string_view(found->second.data(), found->second.size());
  auto const worker =
      sent.starts_with(kBearer) ? tokens_.worker_of(sent.substr(kBearer.size())) : std::nullopt;
  if (!worker)
    throw RequestError(grpc::UNAUTHENTICATED, "TOKEN_UNKNOWN", "no worker of ours has this token");
  return worker;
}

grpc::Status WorkerService::FetchInput(grpc::ServerContext* context,
                                       qsm::v1::FetchInputRequest const* request,
                                       grpc::ServerWriter<qsm::v1::DataChunk>* stream) {
  return answer("FetchInput", [&] {
    require_known(*context);
    File const exam(queue_.input_of(request->claim()), O_RDONLY);
    qsm::v1::DataChunk chunk;
    for (std::uint64_t at = 0; at < exam.size(); at += chunk.data().size()) {
      std::string piece(std::min<std::uint64_t>(1u << 20, exam.size() - at), '\0');
      piece.resize(exam.read_at(at, std::as_writable_bytes(std::span(piece))));
      if (piece.empty())
        throw RequestError(grpc::DATA_LOSS, "SPOOL_TRUNCATED", "the exam is short");
      chunk.set_offset(at);
      chunk.set_data(std::move(piece));
      if (!stream->Write(chunk)) return;
    }
    spdlog::info("job {}: its exam was sent to the worker, {} bytes", request->claim().job_id(),
                 exam.size());
  });
}

grpc::Status WorkerService::Claim(grpc::ServerContext* context,
                                  qsm::v1::ClaimRequest const* request,
                                  qsm::v1::ClaimResponse* response) {
  return answer("Claim", [&] {
    if (auto const worker = require_known(*context); worker && *worker != request->worker_id())
      throw RequestError(grpc::PERMISSION_DENIED, "NOT_YOUR_NAME", "the token is another worker's");
    *response = queue_.claim(*request, [context] { return context->IsCancelled(); });
  });
}

grpc::Status WorkerService::Heartbeat(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<qsm::v1::TaskOrder, qsm::v1::TaskReport>* stream) {
  return answer("Heartbeat", [&] {
    require_known(*context);
    qsm::v1::TaskReport report;
    if (!stream->Read(&report)) return;
    qsm::v1::TaskClaim const claim = report.claim();
    queue_.heartbeat_opened(claim);
    std::jthread const orders([&](std::stop_token stop) {
      if (!queue_.wait_for_order(claim, stop)) return;
      qsm::v1::TaskOrder order;
      order.set_cancel(true);
      stream->Write(order);
    });
    // A stale report ends the stream by its exception: then the claim is over anyway.
    do queue_.report(report);
    while (stream->Read(&report));
    queue_.heartbeat_closed(claim);
  });
}

grpc::Status WorkerService::PutArtifact(grpc::ServerContext* context,
                                        grpc::ServerReader<qsm::v1::PutArtifactRequest>* stream,
                                        qsm::v1::PutArtifactResponse*) {
  return answer("PutArtifact", [&] {
    require_known(*context);
    qsm::v1::PutArtifactRequest first;
    if (!stream->Read(&first) || !first.has_head())
      throw RequestError(grpc::INVALID_ARGUMENT, "MISSING_HEAD",
                         "an artifact begins with its head");
    qsm::v1::TaskClaim const& claim = first.head().claim();
    qsm::v1::Artifact const& artifact = first.head().artifact();
    queue_.check_claim(claim);
    File file = spool_.create_artifact(claim.job_id(), claim.epoch(), artifact.name());
    try {
      receive(*stream, artifact, file);
      queue_.add_artifact(claim, artifact);
    } catch (...) {
      spool_.remove_artifact(claim.job_id(), claim.epoch(), artifact.name());
      throw;
    }
  });
}

grpc::Status WorkerService::Finish(grpc::ServerContext* context,
                                   qsm::v1::FinishRequest const* request,
                                   qsm::v1::FinishResponse*) {
  return answer("Finish", [&] {
    require_known(*context);
    queue_.finish(*request);
  });
}

}  // namespace chistream
