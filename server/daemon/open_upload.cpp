#include "daemon/open_upload.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <vector>

#include "qsm/v1/acquisition.pb.h"
#include "store/request_error.hpp"

namespace chistream {
namespace {

using qsm::container::FramingError;

std::span<std::byte const> as_bytes(std::string const& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

template <class Message>
bool parse(Message& message, std::vector<std::byte> const& bytes) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

[[noreturn]] void bad(std::string const& reason, std::string const& message) {
  throw RequestError(grpc::INVALID_ARGUMENT, reason, message, "make the container anew");
}

[[noreturn]] void lost(std::string const& reason, std::string const& message) {
  throw RequestError(grpc::DATA_LOSS, reason, message, "abort this upload and send it again");
}

// What the first and the last record say, against what came between them.
void check_records(qsm::container::FramingChecker const& framing) {
  qsm::v1::ExamHeader header;
  if (!parse(header, framing.header()))
    bad("BAD_EXAM_HEADER", "the first record is not an exam header");
  qsm::v1::ContainerEnd end;
  if (!parse(end, framing.end())) bad("BAD_CONTAINER_END", "the last record is not an end record");
  std::uint64_t const records = framing.acquisitions() + framing.image_blocks();
  if (end.acquisitions() != framing.acquisitions() || end.image_blocks() != framing.image_blocks())
    bad("COUNT_MISMATCH", "the end record announces " + std::to_string(end.acquisitions()) +
                              " acquisitions and " + std::to_string(end.image_blocks()) +
                              " image blocks, the container holds " +
                              std::to_string(framing.acquisitions()) + " and " +
                              std::to_string(framing.image_blocks()));
  if (header.records() != 0 && header.records() != records)
    bad("COUNT_MISMATCH", "the header announces " + std::to_string(header.records()) +
                              " records, the container holds " + std::to_string(records));
}

}  // namespace

void OpenUpload::Checks::consume(std::span<std::byte const> bytes) {
  sha256.update(bytes);
  if (framing_error) return;
  try {
    framing.consume(bytes);
  } catch (FramingError const& error) {  // told at commit
    framing_error = error;
  }
}

OpenUpload::OpenUpload(Journal& journal, Spool& spool, std::string upload_id)
    : journal_(journal), spool_(spool), id_(std::move(upload_id)) {}

void OpenUpload::require_open_locked() {
  if (!file_) load_locked();
  if (record_.upload.state() != qsm::v1::UPLOAD_STATE_OPEN)
    throw RequestError(
        grpc::FAILED_PRECONDITION, "UPLOAD_NOT_OPEN",
        "this upload is " + qsm::v1::UploadState_Name(record_.upload.state()).substr(13));
}

void OpenUpload::load_locked() {
  record_ = journal_.upload(id_);
  if (record_.upload.state() != qsm::v1::UPLOAD_STATE_OPEN) return;
  File file = spool_.open_upload(id_);
  std::uint64_t const durable = record_.upload.durable_offset();
  if (file.size() < durable)
    lost("SPOOL_TRUNCATED", "the spool lost bytes of this upload: " + std::to_string(file.size()) +
                                " of " + std::to_string(durable) + " are there");
  if (file.size() > durable) file.truncate(durable);
  Checks checks;
  std::vector<std::byte> piece(kMaxChunkBytes);
  for (std::uint64_t offset = 0; offset < durable;) {
    std::size_t const n = file.read_at(offset, piece);
    checks.consume(std::span(piece).first(n));
    offset += n;
  }
  file_ = std::move(file);
  checks_ = std::move(checks);
  received_ = durable_ = durable;
  if (durable > 0) spdlog::info("upload {}: resumed at {} bytes", id_, durable);
}

std::uint64_t OpenUpload::take_lease() {
  std::scoped_lock const lock(state_);
  require_open_locked();
  return ++lease_;
}

OpenUpload::Taken OpenUpload::append(std::uint64_t lease, qsm::v1::ChunkRequest const& chunk) {
  auto data = as_bytes(chunk.data());
  if (data.size() > kMaxChunkBytes)
    throw RequestError(grpc::INVALID_ARGUMENT, "CHUNK_TOO_LARGE",
                       "a chunk of " + std::to_string(data.size()) + " bytes, at most " +
                           std::to_string(kMaxChunkBytes) + " are allowed");
  bool const intact = qsm::container::crc32c(data) == chunk.crc32c();

  std::scoped_lock const lock(state_);
  if (lease != lease_)
    throw RequestError(grpc::ABORTED, "LEASE_LOST", "another connection writes this upload now");
  require_open_locked();
  if (!intact || chunk.offset() > received_) return Taken::kResend;
  std::uint64_t const known = received_ - chunk.offset();
  if (known >= data.size()) return Taken::kStored;
  data = data.subspan(known);
  if (record_.declared_bytes != 0 && data.size() > record_.declared_bytes - received_)
    throw RequestError(
        grpc::INVALID_ARGUMENT, "UPLOAD_TOO_LONG",
        "more than the declared " + std::to_string(record_.declared_bytes) + " bytes");
  file_.write_at(received_, data);  // what a failed write left behind is overwritten or cut off
  checks_.consume(data);
  received_ += data.size();
  return Taken::kStored;
}

std::uint64_t OpenUpload::received() {
  std::scoped_lock const lock(state_);
  return received_;
}

std::uint64_t OpenUpload::durable() {
  std::scoped_lock const lock(state_);
  return durable_;
}

void OpenUpload::sync() {
  std::scoped_lock const one_at_a_time(syncing_);
  int fd = -1;
  std::uint64_t reached = 0;
  {
    std::scoped_lock const lock(state_);
    if (!file_ || durable_ == received_) return;
    fd = file_.fd();
    reached = received_;
  }
  // Chunks keep arriving meanwhile. The descriptor stays: closing it takes syncing_.
  try {
    if (::fdatasync(fd) != 0) throw_errno("fdatasync");
  } catch (...) {
    // Linux drops pages it could not write: nothing after the durable offset can be relied on.
    std::scoped_lock const lock(state_);
    file_.close();
    throw;
  }
  journal_.set_durable_offset(id_, reached);
  std::scoped_lock const lock(state_);
  durable_ = reached;
}

std::string OpenUpload::verify_locked(qsm::v1::CommitUploadRequest const& request) const {
  std::uint64_t const declared = record_.declared_bytes;
  if (request.total_bytes() != received_ || (declared != 0 && declared != received_))
    lost("LENGTH_MISMATCH", std::to_string(received_) + " bytes arrived; declared were " +
                                std::to_string(declared) + ", committed are " +
                                std::to_string(request.total_bytes()));
  std::string const digest = checks_.sha256.hex_digest();
  if (request.sha256() != digest ||
      (!record_.declared_sha256.empty() && record_.declared_sha256 != digest))
    lost("SHA256_MISMATCH", "the bytes that arrived have another SHA-256 than was announced");
  try {
    if (checks_.framing_error) throw *checks_.framing_error;
    checks_.framing.finish();
  } catch (FramingError const& error) {
    bad(error.reason(), error.what());
  }
  check_records(checks_.framing);
  return digest;
}

qsm::v1::InputSummary OpenUpload::commit(qsm::v1::CommitUploadRequest const& request,
                                         Inspect const& inspect) {
  std::scoped_lock const one_at_a_time(ending_);
  {
    std::scoped_lock const lock(state_);
    if (!file_) load_locked();
    if (record_.upload.state() == qsm::v1::UPLOAD_STATE_COMMITTED) {
      qsm::v1::InputSummary const& summary = record_.upload.summary();
      if (summary.bytes() != request.total_bytes() || summary.sha256() != request.sha256())
        lost("SHA256_MISMATCH", "this upload was committed with another length or SHA-256");
      return summary;
    }
    require_open_locked();
    ++lease_;  // nobody writes from here on
  }
  sync();
  std::string digest;
  {
    std::scoped_lock const lock(state_);
    if (file_.size() > received_) file_.truncate(received_);  // the rest of a write that failed
    digest = verify_locked(request);
  }
  qsm::v1::InputSummary summary = inspect(spool_.upload(id_));
  summary.set_bytes(request.total_bytes());
  summary.set_sha256(digest);

  std::scoped_lock const no_sync(syncing_);
  std::scoped_lock const lock(state_);
  if (received_ != request.total_bytes())
    throw RequestError(grpc::ABORTED, "LEASE_LOST", "another connection wrote during the commit");
  spool_.seal_upload(id_);
  journal_.commit_upload(id_, summary);
  record_.upload.set_state(qsm::v1::UPLOAD_STATE_COMMITTED);
  *record_.upload.mutable_summary() = summary;
  file_.close();
  spdlog::info("upload {}: committed, {} bytes", id_, summary.bytes());
  return summary;
}

void OpenUpload::abort() {
  std::scoped_lock const one_at_a_time(ending_, syncing_);
  std::scoped_lock const lock(state_);
  record_ = journal_.upload(id_);
  if (record_.upload.state() == qsm::v1::UPLOAD_STATE_ABORTED) return;
  if (record_.upload.state() == qsm::v1::UPLOAD_STATE_COMMITTED)
    throw RequestError(grpc::FAILED_PRECONDITION, "UPLOAD_NOT_OPEN",
                       "this upload is committed and can be used by jobs");
  journal_.abort_upload(id_);
  record_.upload.set_state(qsm::v1::UPLOAD_STATE_ABORTED);
  ++lease_;
  file_.close();
  spool_.remove_upload(id_);
  spdlog::info("upload {}: aborted", id_);
}

}  // namespace chistream
