/// qsm.v1.ResultService: what a job that succeeded left in the spool. No state of its own.
#pragma once

#include "daemon/gate.hpp"
#include "qsm/v1/result.grpc.pb.h"
#include "store/journal.hpp"
#include "store/retention.hpp"
#include "store/spool.hpp"

namespace chistream {

class ResultService final : public qsm::v1::ResultService::Service {
 public:
  ResultService(Gate& gate, Journal& journal, Spool& spool, Retention& retention)
      : gate_(gate), journal_(journal), spool_(spool), retention_(retention) {}

  grpc::Status ListArtifacts(grpc::ServerContext* context,
                             qsm::v1::ListArtifactsRequest const* request,
                             qsm::v1::ArtifactList* response) override;
  grpc::Status ReadArtifact(grpc::ServerContext* context,
                            qsm::v1::ReadArtifactRequest const* request,
                            grpc::ServerWriter<qsm::v1::DataChunk>* stream) override;
  grpc::Status StreamSeries(grpc::ServerContext* context,
                            qsm::v1::StreamSeriesRequest const* request,
                            grpc::ServerWriter<qsm::v1::SeriesItem>* stream) override;
  grpc::Status DeleteResult(grpc::ServerContext* context,
                            qsm::v1::DeleteResultRequest const* request,
                            qsm::v1::DeleteResultResponse* response) override;
  grpc::Status ExtendRetention(grpc::ServerContext* context,
                               qsm::v1::ExtendRetentionRequest const* request,
                               qsm::v1::ExtendRetentionResponse* response) override;

 private:
  std::vector<qsm::v1::Artifact> artifacts(std::string const& job_id);

  Gate& gate_;
  Journal& journal_;
  Spool& spool_;
  Retention& retention_;
};

}  // namespace chistream
