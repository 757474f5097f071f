/// qsm.v1.UploadService over OpenUpload.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "daemon/admission.hpp"
#include "daemon/gate.hpp"
#include "daemon/inspector.hpp"
#include "daemon/open_upload.hpp"
#include "daemon/options.hpp"
#include "daemon/quota.hpp"
#include "qsm/v1/upload.grpc.pb.h"

namespace chistream {

/// Thread-safe. mutex_ guards the map only; each upload has its own.
class UploadService final : public qsm::v1::UploadService::Service {
 public:
  UploadService(DaemonOptions const& options, Gate& gate, Quota& quota, Admission& admission,
                Metrics& metrics, Journal& journal, Spool& spool, Inspector inspector);

  grpc::Status CreateUpload(grpc::ServerContext* context,
                            qsm::v1::CreateUploadRequest const* request,
                            qsm::v1::Upload* response) override;
  grpc::Status WriteChunks(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<qsm::v1::ChunkAck, qsm::v1::ChunkRequest>* stream) override;
  grpc::Status GetUpload(grpc::ServerContext* context, qsm::v1::UploadRef const* request,
                         qsm::v1::Upload* response) override;
  grpc::Status CommitUpload(grpc::ServerContext* context,
                            qsm::v1::CommitUploadRequest const* request,
                            qsm::v1::InputSummary* response) override;
  grpc::Status AbortUpload(grpc::ServerContext* context, qsm::v1::UploadRef const* request,
                           qsm::v1::Upload* response) override;

 private:
  std::shared_ptr<OpenUpload> open(std::string const& upload_id);
  void forget(std::string const& upload_id);
  qsm::v1::Upload described(UploadRecord const& record) const;

  Gate& gate_;
  Quota& quota_;
  Admission& admission_;
  Metrics& metrics_;
  std::uint64_t const credit_bytes_;
  Journal& journal_;
  Spool& spool_;
  Inspector const inspector_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<OpenUpload>> open_;
};

}  // namespace chistream
