#include "channel/channel.hpp"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/client_interceptor.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <vector>

#include "channel/loopback.hpp"

namespace qsm::channel {
namespace {

using namespace grpc::experimental;

std::string random_hex(int digits) {
  std::random_device source;
  std::string text;
  while (static_cast<int>(text.size()) < digits) text += "0123456789abcdef"[source() % 16];
  return text;
}

// What every call carries. Call credentials would do for the token, but gRPC accepts them on
// encrypted channels only, and a Unix socket is as good as one.
class Carried final : public Interceptor {
 public:
  explicit Carried(std::map<std::string, std::string> const& metadata) : metadata_(metadata) {}
  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_INITIAL_METADATA))
      for (auto const& [name, value] : metadata_)
        methods->GetSendInitialMetadata()->insert({name, value});
    methods->Proceed();
  }

 private:
  std::map<std::string, std::string> const& metadata_;  // the factory's, which outlives the call
};

class CarriedFactory final : public ClientInterceptorFactoryInterface {
 public:
  explicit CarriedFactory(std::map<std::string, std::string> metadata)
      : metadata_(std::move(metadata)) {}
  Interceptor* CreateClientInterceptor(ClientRpcInfo*) override { return new Carried(metadata_); }

 private:
  std::map<std::string, std::string> const metadata_;
};

// One trace per process: what a command does is one thing to whoever looks for it in the logs.
std::string traceparent() {
  static std::string const id = random_hex(32);
  return "00-" + id + "-" + random_hex(16) + "-01";
}

std::string content_of(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw ChannelError("FILE_UNREADABLE", path.string() + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string token_in(std::filesystem::path const& path) {
  std::string const content = content_of(path);
  std::string const token = content.substr(0, content.find_first_of("\r\n"));
  bool const printable = std::all_of(token.begin(), token.end(), [](char c) {
    return c > ' ' && c < 127;  // anything else gRPC would refuse without a word about the file
  });
  if (token.empty() || !printable)
    throw ChannelError("BAD_TOKEN_FILE", path.string() + " has no token in its first line");
  return token;
}

std::shared_ptr<grpc::ChannelCredentials> channel_credentials(Credentials const& credentials) {
  if (credentials.certificate.empty() != credentials.key.empty())
    throw ChannelError("TLS_FILES", "--tls-cert and --tls-key come together");
  if (credentials.server_ca.empty()) {
    if (!credentials.certificate.empty())
      throw ChannelError("TLS_FILES", "--tls-cert needs --tls-ca, which says whom to trust");
    return grpc::InsecureChannelCredentials();
  }
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = content_of(credentials.server_ca);
  if (!credentials.certificate.empty()) {
    options.pem_cert_chain = content_of(credentials.certificate);
    options.pem_private_key = content_of(credentials.key);
  }
  return grpc::SslCredentials(options);
}

}  // namespace

std::shared_ptr<grpc::Channel> open_channel(std::string const& address,
                                            Credentials const& credentials,
                                            grpc::ChannelArguments const& arguments) {
  std::map<std::string, std::string> metadata{{"traceparent", traceparent()}};
  if (!credentials.token_file.empty()) {
    if (credentials.server_ca.empty() && !is_loopback(address))
      throw ChannelError("TOKEN_NEEDS_TLS",
                         "the token would travel to " + address + " unencrypted; give --tls-ca");
    metadata["authorization"] = "Bearer " + token_in(credentials.token_file);
  }
  std::vector<std::unique_ptr<ClientInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<CarriedFactory>(std::move(metadata)));
  return CreateCustomChannelWithInterceptors(address, channel_credentials(credentials), arguments,
                                             std::move(interceptors));
}

}  // namespace qsm::channel
