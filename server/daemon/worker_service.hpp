/// qsm.v1.WorkerService over JobQueue and Spool: on the workers' own socket, and for those on other
/// machines behind TLS, each with a token of its own.
#pragma once

#include "qsm/v1/worker.grpc.pb.h"
#include "schedule/job_queue.hpp"
#include "schedule/worker_tokens.hpp"

namespace chistream {

class WorkerService final : public qsm::v1::WorkerService::Service {
 public:
  WorkerService(JobQueue& queue, Spool& spool, WorkerTokens const& tokens)
      : queue_(queue), spool_(spool), tokens_(tokens) {}

  grpc::Status Claim(grpc::ServerContext* context, qsm::v1::ClaimRequest const* request,
                     qsm::v1::ClaimResponse* response) override;
  grpc::Status Heartbeat(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<qsm::v1::TaskOrder, qsm::v1::TaskReport>* stream) override;
  grpc::Status FetchInput(grpc::ServerContext* context, qsm::v1::FetchInputRequest const* request,
                          grpc::ServerWriter<qsm::v1::DataChunk>* stream) override;
  grpc::Status PutArtifact(grpc::ServerContext* context,
                           grpc::ServerReader<qsm::v1::PutArtifactRequest>* stream,
                           qsm::v1::PutArtifactResponse* response) override;
  grpc::Status Finish(grpc::ServerContext* context, qsm::v1::FinishRequest const* request,
                      qsm::v1::FinishResponse* response) override;

 private:
  /// On the Unix socket nobody else can be; elsewhere the name that the caller's token is for.
  /// Throws RequestError UNAUTHENTICATED TOKEN_UNKNOWN.
  std::optional<std::string> require_known(grpc::ServerContext const& context) const;

  JobQueue& queue_;
  Spool& spool_;
  WorkerTokens const& tokens_;
};

}  // namespace chistream
