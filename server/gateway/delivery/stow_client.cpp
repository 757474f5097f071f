#include "gateway/delivery/stow_client.hpp"

#include <curl/curl.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

namespace chistream::gateway {

namespace {

constexpr char const* kBoundary = "chistream-7c61d1e25b2f4e0f9d4a0c2b8a31";
constexpr std::uint16_t kWarning = 0xb000, kProcessingFailure = 0x0110;

std::size_t append(char* data, std::size_t size, std::size_t count, void* to) {
  constexpr std::size_t kMaxAnswer = 1u << 20;
  auto& text = *static_cast<std::string*>(to);
  if (text.size() + size * count > kMaxAnswer) return 0;
  text.append(data, size * count);
  return size * count;
}

/// FailureReason of the first failed instance, as PS3.18 Annex I has it in JSON.
std::uint16_t failure_reason(std::string const& answer) {
  auto const json = nlohmann::json::parse(answer, nullptr, false);
  auto const* at = &json;
  for (auto const& step : {nlohmann::json::json_pointer("/00081198/Value/0/00081197/Value/0"),
                           nlohmann::json::json_pointer("/0/00081198/Value/0/00081197/Value/0")})
    if (at->is_structured() && at->contains(step) && at->at(step).is_number_unsigned())
      return static_cast<std::uint16_t>(at->at(step).get<unsigned>());
  return kProcessingFailure;
}

class Http {
 public:
  explicit Http(NodeSettings const& node)
      : node_(node), curl_(curl_easy_init(), curl_easy_cleanup) {
    auto* const curl = curl_.get();
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(node.timeout_s * 1e3));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(node.timeout_s * 1e3));
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
    if (node.tls) {
      curl_easy_setopt(curl, CURLOPT_CAINFO, node.tls->ca.c_str());
      curl_easy_setopt(curl, CURLOPT_SSLCERT, node.tls->certificate.c_str());
      curl_easy_setopt(curl, CURLOPT_SSLKEY, node.tls->key.c_str());
    }
    if (!node.token_file.empty()) {
      std::ifstream file(node.token_file);
      std::string token;
      if (!std::getline(file, token))
        throw NodeError(node.token_file.string() + " holds no token", false);
      add_header("Authorization: Bearer " + token);
    }
    add_header("Accept: application/dicom+json");
    add_header("Expect:");  // a round trip for nothing
  }

  void add_header(std::string const& line) {
    headers_.reset(curl_slist_append(headers_.release(), line.c_str()));
  }

  /// The status; `answer` is filled. `body` empty: GET.
  long request(std::string const& url, std::string const& body, std::string& answer) {
    auto* const curl = curl_.get();
    answer.clear();
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    if (!body.empty()) {
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
    }
    auto const result = curl_easy_perform(curl);
    if (result != CURLE_OK)
      throw NodeError(node_.name + " (" + url + ") not reached: " + curl_easy_strerror(result),
                      false);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

 private:
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  NodeSettings const& node_;
  std::unique_ptr<CURL, void (*)(CURL*)> curl_;
  std::unique_ptr<curl_slist, FreeList> headers_;
};

std::string multipart(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw NodeError(path.string() + " cannot be read", true);
  std::string body = std::string("--") + kBoundary + "\r\nContent-Type: application/dicom\r\n\r\n";
  body.append(std::istreambuf_iterator<char>(file), {});
  return body.append("\r\n--").append(kBoundary).append("--\r\n");
}

StoreAnswer judge(NodeSettings const& node, long status, std::string const& answer) {
  switch (status) {
    case 200:
      return {};
    case 202:
      return {kWarning, "HTTP 202"};
    case 409:
      return {failure_reason(answer), "HTTP 409"};
    default:
      break;
  }
  bool const later =
      status == 401 || status == 403 || status == 408 || status == 429 || status >= 500;
  throw NodeError(node.name + " answers HTTP " + std::to_string(status), !later);
}

}  // namespace

void stow_instances(NodeSettings const& node, std::vector<OutgoingInstance> const& instances,
                    std::function<bool(std::size_t, StoreAnswer const&)> const& answered) {
  Http http(node);
  http.add_header(
      std::string("Content-Type: multipart/related; type=\"application/dicom\"; boundary=") +
      kBoundary);
  std::string answer;
  for (std::size_t i = 0; i < instances.size(); ++i) {
    long const status = http.request(node.url, multipart(instances[i].file), answer);
    if (!answered(i, judge(node, status, answer))) return;
  }
}

void ask_stow_node(NodeSettings const& node) {
  std::string answer;
  long const status = Http(node).request(node.url + "?limit=1", "", answer);
  if (status >= 500 || status == 401 || status == 403)
    throw NodeError(node.name + " answers HTTP " + std::to_string(status), false);
}

}  // namespace chistream::gateway
