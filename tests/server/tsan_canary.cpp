// A race on purpose, in a gRPC handler: deploy/tsan.sh believes a clean report of the daemon's
// tests only if the thread sanitizer finds this one.
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <iostream>
#include <thread>

#include "qsm/v1/admin.grpc.pb.h"

namespace {

class RacingService final : public qsm::v1::AdminService::Service {
 public:
  grpc::Status GetServerInfo(grpc::ServerContext*, qsm::v1::GetServerInfoRequest const*,
                             qsm::v1::ServerInfo* response) override {
    response->set_queued_jobs(++calls_);  // the race
    return grpc::Status::OK;
  }

 private:
  std::uint32_t calls_ = 0;
};

}  // namespace

int main() {
  RacingService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  auto const server = builder.BuildAndStart();
  auto const call_often = [&] {
    grpc::ChannelArguments own_connection;
    own_connection.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    auto const stub = qsm::v1::AdminService::NewStub(grpc::CreateCustomChannel(
        "127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), own_connection));
    for (int i = 0; i < 200; ++i) {
      grpc::ClientContext context;
      qsm::v1::ServerInfo info;
      stub->GetServerInfo(&context, {}, &info);
    }
  };
  std::thread other(call_often);
  call_often();
  other.join();
  std::cout << "done\n";
  return 0;
}
