// grpc.health.v1 by its bytes: HealthCheckRequest{string service = 1},
// HealthCheckResponse{enum status = 1; SERVING = 1}.
#include <grpcpp/generic/generic_stub.h>

#include "server/server_fixture.hpp"

namespace chistream::test {
namespace {

class HealthTest : public ServerTest {
 protected:
  HealthTest() { start(); }

  // The status, or the gRPC code when there is none.
  std::string check(std::string const& service) {
    std::string request;
    if (!service.empty()) {
      request += '\x0a';
      request += static_cast<char>(service.size());
      request += service;
    }
    grpc::Slice const slice(request);
    grpc::ByteBuffer const bytes(&slice, 1);
    grpc::GenericStub stub(
        grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    auto const call =
        stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", bytes, &queue);
    call->StartCall();
    grpc::ByteBuffer answer;
    grpc::Status status;
    call->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    if (!status.ok()) return "code " + std::to_string(status.error_code());
    grpc::Slice response;
    answer.DumpToSingleSlice(&response);
    return {response.begin(), response.end()};
  }
};

TEST_F(HealthTest, ServerAndEachServiceServe) {
  for (char const* service : {"", "qsm.v1.UploadService", "qsm.v1.JobService",
                              "qsm.v1.ResultService", "qsm.v1.AdminService"})
    EXPECT_EQ(check(service), "\x08\x01") << service;
}

TEST_F(HealthTest, WorkersInterfaceIsNotOffered) {
  EXPECT_EQ(check("qsm.v1.WorkerService"), "code 5");  // NOT_FOUND
}

}  // namespace
}  // namespace chistream::test
