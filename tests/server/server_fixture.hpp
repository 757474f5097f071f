/// A daemon in this process with a fake worker in another, and clients of it.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "daemon/server.hpp"
#include "qsm/v1/error.pb.h"
#include "server/temporary_directory.hpp"

namespace chistream::test {

/// A well-formed container of `lines` acquisitions with `payload` bytes each. The vendor tells the
/// fake worker what to find when it inspects.
std::string make_container(int lines = 3, std::size_t payload = 100, std::string const& vendor = "",
                           std::uint64_t announced = 0);

std::string sha256_of(std::string const& bytes);
qsm::v1::ChunkRequest chunk(std::string const& upload_id, std::uint64_t offset,
                            std::string const& data);
std::string reason(grpc::Status const& status);

class ServerTest : public ::testing::Test {
 protected:
  using ChunkStream = grpc::ClientReaderWriter<qsm::v1::ChunkRequest, qsm::v1::ChunkAck>;

  ServerTest();

  void start();
  /// Every call from here on carries this token.
  void authorize(std::string const& token) { token_ = token; }
  void sign(grpc::ClientContext& context) const;
  void connect(std::string const& address);
  void restart();

  qsm::v1::Upload create_upload(std::string const& request_id, std::uint64_t declared_bytes = 0);
  /// Sends bytes from `offset` on in one stream and reads its acks.
  grpc::Status write(std::string const& upload_id, std::string const& bytes,
                     std::uint64_t offset = 0);
  grpc::Status commit(std::string const& upload_id, std::string const& bytes,
                      qsm::v1::InputSummary* summary = nullptr);
  qsm::v1::Upload get_upload(std::string const& upload_id);
  std::string committed_upload(std::string const& request_id);

  static qsm::v1::SubmitJobRequest job_request(std::string const& request_id,
                                               std::string const& upload_id,
                                               std::string const& behaviour = "succeed");
  grpc::Status submit(qsm::v1::SubmitJobRequest const& request, qsm::v1::Job* job);
  std::string submitted_job(std::string const& behaviour);
  /// Of an exam of its own, called `name`.
  std::string prioritised_job(std::string const& name, std::string const& behaviour,
                              qsm::v1::Priority priority = qsm::v1::PRIORITY_ROUTINE);
  qsm::v1::Job get_job(std::string const& job_id);
  qsm::v1::Job cancel(std::string const& job_id);
  bool reaches(std::string const& job_id, qsm::v1::JobState state);

  std::string token_;
  TemporaryDirectory directory_;
  DaemonOptions options_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<qsm::v1::UploadService::Stub> uploads_;
  std::unique_ptr<qsm::v1::JobService::Stub> jobs_;
  std::unique_ptr<qsm::v1::ResultService::Stub> results_;
  std::unique_ptr<qsm::v1::AdminService::Stub> admin_;
};

}  // namespace chistream::test
