/// A server in this process that keeps uploads in memory and misbehaves on request.
#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "session/connection.hpp"

namespace chistream::test {

class FakeServer : public qsm::v1::UploadService::Service, public qsm::v1::ResultService::Service {
 public:
  FakeServer();
  ~FakeServer() override;
  Connection connect() const { return Connection(address_); }

  // Uploads: what to do wrong, and what was seen.
  std::uint64_t credit = 2u << 20;
  std::uint64_t break_after = UINT64_MAX;  // bytes; then UNAVAILABLE, once
  bool ask_again_once = false;             // for the second chunk
  int damaged_commits = 0;                 // DATA_LOSS so many times
  grpc::Status commit_status;
  std::string stored;
  int uploads_opened = 0;
  int aborted = 0;
  std::uint64_t most_outstanding = 0;

  // Results.
  std::map<std::string, std::string> files;  // name -> bytes; dicom/* are the series
  bool drop_manifest = false;
  bool damage = false;
  int break_reads = 0;  // UNAVAILABLE half way, so many times

  grpc::Status CreateUpload(grpc::ServerContext*, qsm::v1::CreateUploadRequest const*,
                            qsm::v1::Upload*) override;
  grpc::Status WriteChunks(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<qsm::v1::ChunkAck, qsm::v1::ChunkRequest>*) override;
  grpc::Status GetUpload(grpc::ServerContext*, qsm::v1::UploadRef const*,
                         qsm::v1::Upload*) override;
  grpc::Status CommitUpload(grpc::ServerContext*, qsm::v1::CommitUploadRequest const*,
                            qsm::v1::InputSummary*) override;
  grpc::Status AbortUpload(grpc::ServerContext*, qsm::v1::UploadRef const*,
                           qsm::v1::Upload*) override;
  grpc::Status ListArtifacts(grpc::ServerContext*, qsm::v1::ListArtifactsRequest const*,
                             qsm::v1::ArtifactList*) override;
  grpc::Status ReadArtifact(grpc::ServerContext*, qsm::v1::ReadArtifactRequest const*,
                            grpc::ServerWriter<qsm::v1::DataChunk>*) override;
  grpc::Status StreamSeries(grpc::ServerContext*, qsm::v1::StreamSeriesRequest const*,
                            grpc::ServerWriter<qsm::v1::SeriesItem>*) override;

 private:
  qsm::v1::Upload described();

  std::mutex mutex_;
  std::string request_id_;
  bool is_aborted_ = false;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace chistream::test
