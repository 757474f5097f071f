#include "formats/mrd_capture.hpp"

#include <cstring>

#include "formats/format_error.hpp"
#include "formats/mrd_messages.hpp"

namespace chistream {

using ISMRMRD::ISMRMRD_AcquisitionHeader;

MrdCapture::MrdCapture(std::filesystem::path const& path) : file_(path) {
  MrdMessages messages([&](MrdMessage const& message) {
    if (message.id == MrdId::kAcquisition) offsets_.push_back(message.offset);
    if (message.id != MrdId::kHeader) return;
    if (xml_size_ > 0) throw FormatError("BAD_ISMRMRD_HEADER", "the stream has two XML headers");
    xml_offset_ = message.offset + sizeof(std::uint32_t);
    xml_size_ = message.size - sizeof(std::uint32_t);
  });
  constexpr std::size_t kPiece = 64u << 20;
  for (std::size_t at = 0; at < file_.bytes().size(); at += kPiece)
    messages.feed(file_.bytes().subspan(at, std::min(kPiece, file_.bytes().size() - at)));
  if (!messages.closed() || !messages.between_messages())
    throw FormatError("MRD_INCOMPLETE",
                      "the stream ends after " + std::to_string(offsets_.size()) +
                          " acquisitions without a close",
                      "send the scan again");
  if (xml_size_ == 0) throw FormatError("BAD_ISMRMRD_HEADER", "the stream has no XML header");
}

std::string MrdCapture::xml() const {
  auto const bytes = file_.bytes().subspan(xml_offset_, xml_size_);
  std::string text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
  while (!text.empty() && text.back() == '\0') text.pop_back();  // some clients send C strings
  return text;
}

ISMRMRD_AcquisitionHeader MrdCapture::head_at(std::uint64_t index) const {
  ISMRMRD_AcquisitionHeader head;
  std::memcpy(&head, file_.bytes().data() + offsets_[index], sizeof(head));
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
    std::memcpy(next, file_.bytes().data() + offsets_[first + i] + sizeof(record.head),
                length * sizeof(float));
    record.trajectory.p = next;
    record.data.p = next + record.trajectory.len;
    next += length;
  }
  return block_;
}

}  // namespace chistream
