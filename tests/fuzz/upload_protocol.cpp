// What a client may send while it uploads, in any order, against a model of what it sent: chunks
// with gaps, overlaps and damage, syncs, takeovers, commits, aborts, and the daemon killed between.
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "container/sha256.hpp"
#include "daemon/open_upload.hpp"
#include "store/request_error.hpp"

namespace {

using namespace chistream;

// One for all runs: making the tables takes a hundred times as long as a run.
struct Server {
  std::filesystem::path const root = [] {
    std::string name = "/dev/shm/fuzz-upload-XXXXXX";
    if (!::mkdtemp(name.data())) std::abort();
    return name;
  }();
  Spool spool{root};
  Journal journal{spool.journal()};
  std::uint64_t runs = 0;
};

Server& server() {
  static Server one;
  return one;
}

class Run {
 public:
  explicit Run(std::span<std::uint8_t const> input) : input_(input) {
    qsm::v1::CreateUploadRequest request;
    request.set_request_id(std::to_string(++server().runs));
    if (byte() % 4 == 0) request.set_declared_bytes(byte());
    id_ = journal_.create_upload(request).upload.upload_id();
  }
  ~Run() {
    std::error_code ignored;
    std::filesystem::remove(spool_.upload(id_), ignored);
  }

  void play() {
    upload_.emplace(journal_, spool_, id_);
    while (!input_.empty()) {
      try {
        step(byte());
      } catch (RequestError const& error) {
        if (error.detail().reason().empty()) std::abort();
      }
      if (upload_->durable() > sent_.size() || upload_->received() > sent_.size()) std::abort();
    }
  }

 private:
  std::uint8_t byte() {
    if (input_.empty()) return 0;
    std::uint8_t const value = input_.front();
    input_ = input_.subspan(1);
    return value;
  }

  void step(std::uint8_t what) {
    switch (what % 8) {
      case 0:
        lease_ = upload_->take_lease();
        break;
      case 1:
      case 2:
      case 3:
        append(what);
        break;
      case 4:
        upload_->sync();
        break;
      case 5:
        commit(what);
        break;
      case 6:
        if (what > 240) upload_->abort();
        break;
      default:  // killed: what is not durable is gone
        upload_.emplace(journal_, spool_, id_);
        sent_.resize(std::min(sent_.size(), journal_.upload(id_).upload.durable_offset()));
        lease_ = 0;
    }
  }

  void append(std::uint8_t what) {
    qsm::v1::ChunkRequest chunk;
    std::uint64_t const at = sent_.size() + byte() - std::min<std::uint64_t>(sent_.size(), 128);
    std::size_t const length = std::min<std::size_t>(byte(), input_.size());
    std::string data(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(length));
    input_ = input_.subspan(length);
    chunk.set_offset(what % 16 == 1 ? sent_.size() : at);
    // What was sent before is sent again as it was, as a client does.
    for (std::size_t i = 0; i < data.size() && chunk.offset() + i < sent_.size(); ++i)
      data[i] = sent_[chunk.offset() + i];
    chunk.set_data(data);
    chunk.set_crc32c(qsm::container::crc32c(std::as_bytes(std::span(data))) ^ (what > 250));
    if (upload_->append(lease_, chunk) != OpenUpload::Taken::kStored) return;
    if (chunk.offset() + data.size() > sent_.size()) {
      sent_.resize(chunk.offset());
      sent_ += data;
    }
  }

  void commit(std::uint8_t what) {
    qsm::v1::CommitUploadRequest request;
    request.set_upload_id(id_);
    request.set_total_bytes(sent_.size() + (what > 250));
    request.set_sha256(qsm::container::sha256_hex(sent_));
    bool inspected = false;
    upload_->commit(request, [&](std::filesystem::path const& path) {
      inspected = std::filesystem::file_size(path) == sent_.size();
      return qsm::v1::InputSummary();
    });
    // Once is enough; later the answer is repeated.
    if (!inspected && !committed_) std::abort();
    committed_ = true;
  }

  std::span<std::uint8_t const> input_;
  Spool& spool_ = server().spool;
  Journal& journal_ = server().journal;
  std::string id_;
  std::optional<OpenUpload> upload_;
  std::string sent_;
  std::uint64_t lease_ = 0;
  bool committed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static bool const quiet = [] {
    spdlog::set_level(spdlog::level::off);
    return true;
  }();
  (void)quiet;
  Run({data, size}).play();
  return 0;
}
