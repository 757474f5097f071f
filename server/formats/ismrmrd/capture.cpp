#include "formats/ismrmrd/capture.hpp"

#include "formats/format_error.hpp"

namespace chistream {

using ISMRMRD::ISMRMRD_AcquisitionHeader;

namespace {

constexpr std::size_t kPiece = 1u << 20;

}  // namespace

MrdCapture::MrdCapture(std::filesystem::path const& path)
    : own_(std::make_unique<GrowingFile const>(path, "")),
      stream_(*own_),
      messages_([this](MrdMessage const& message) { note(message); }) {
  while (advance()) {
  }
}

MrdCapture::MrdCapture(GrowingFile const& stream)
    : stream_(stream), messages_([this](MrdMessage const& message) { note(message); }) {}

void MrdCapture::note(MrdMessage const& message) {
  if (message.id == MrdId::kAcquisition) offsets_.push_back(message.offset);
  if (message.id != MrdId::kHeader) return;
  if (xml_size_ > 0) throw FormatError("BAD_ISMRMRD_HEADER", "the stream has two XML headers");
  xml_offset_ = message.offset + sizeof(std::uint32_t);
  xml_size_ = message.size - sizeof(std::uint32_t);
}

bool MrdCapture::advance() {
  piece_.resize(kPiece);
  piece_.resize(stream_.read(messages_.offset(), piece_));
  messages_.feed(piece_);
  bool const more = piece_.size() == kPiece;
  if (more) return true;
  if (!messages_.closed() || !messages_.between_messages())
    throw FormatError("MRD_INCOMPLETE",
                      "the stream ends after " + std::to_string(offsets_.size()) +
                          " acquisitions without a close",
                      "send the scan again");
  if (xml_size_ == 0) throw FormatError("BAD_ISMRMRD_HEADER", "the stream has no XML header");
  return false;
}

void MrdCapture::read_exactly(std::uint64_t offset, std::span<std::byte> out) const {
  if (stream_.read(offset, out) != out.size())
    throw FormatError("FILE_UNREADABLE", "the capture became shorter while it was read");
}

std::string MrdCapture::xml() const {
  if (xml_size_ == 0)
    throw FormatError("BAD_ISMRMRD_HEADER", "acquisitions came before the XML header");
  std::string text(xml_size_, '\0');
  read_exactly(xml_offset_, std::as_writable_bytes(std::span(text)));
  while (!text.empty() && text.back() == '\0') text.pop_back();  // some clients send C strings
  return text;
}

ISMRMRD_AcquisitionHeader MrdCapture::head_at(std::uint64_t index) const {
  ISMRMRD_AcquisitionHeader head;
  read_exactly(offsets_[index], std::as_writable_bytes(std::span(&head, 1)));
  return head;
}

void MrdCapture::read_heads(std::uint64_t first, std::span<ISMRMRD_AcquisitionHeader> out) const {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = head_at(first + i);
}

std::span<StoredAcquisition const> MrdCapture::read(std::uint64_t first, std::uint64_t count) {
  block_.resize(count);
  std::size_t total = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    auto& record = block_[i];
    record.head = head_at(first + i);
    std::size_t const samples = record.head.number_of_samples;
    record.trajectory.len = samples * record.head.trajectory_dimensions;
    record.data.len = 2 * samples * record.head.active_channels;
    total += record.trajectory.len + record.data.len;
  }
  numbers_.resize(total);
  float* next = numbers_.data();
  for (std::uint64_t i = 0; i < count; ++i) {
    auto& record = block_[i];
    std::size_t const length = record.trajectory.len + record.data.len;
    read_exactly(offsets_[first + i] + sizeof(record.head),
                 std::as_writable_bytes(std::span(next, length)));
    record.trajectory.p = next;
    record.data.p = next + record.trajectory.len;
    next += length;
  }
  return block_;
}

}  // namespace chistream
