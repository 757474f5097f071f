#include "formats/ismrmrd/messages.hpp"

#include <ismrmrd/ismrmrd.h>
#include <ismrmrd/waveform.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "formats/format_error.hpp"

namespace chistream {

namespace {

constexpr std::size_t kNumber = sizeof(std::uint16_t);
constexpr std::uint64_t kMaxText = 16u << 20, kMaxData = 1u << 30;

template <class Value>
Value at(std::vector<std::byte> const& head, std::size_t offset) {
  Value value;
  std::memcpy(&value, head.data() + offset, sizeof(value));
  return value;
}

/// How many bytes of the body have to be known before its size is.
std::size_t bytes_that_tell(std::uint16_t id) {
  switch (static_cast<MrdId>(id)) {
    case MrdId::kConfigFile:
    case MrdId::kClose:
      return 0;
    case MrdId::kConfigText:
    case MrdId::kHeader:
    case MrdId::kText:
      return sizeof(std::uint32_t);
    case MrdId::kAcquisition:
      return sizeof(ISMRMRD::ISMRMRD_AcquisitionHeader);
    case MrdId::kImage:
      return sizeof(ISMRMRD::ISMRMRD_ImageHeader) + sizeof(std::uint64_t);
    case MrdId::kWaveform:
      return sizeof(ISMRMRD::ISMRMRD_WaveformHeader);
  }
  throw FormatError("MRD_UNKNOWN_MESSAGE", "there is no MRD message " + std::to_string(id));
}

std::uint64_t acquisition_bytes(std::vector<std::byte> const& head) {
  auto const h = at<ISMRMRD::ISMRMRD_AcquisitionHeader>(head, kNumber);
  std::uint64_t const samples = h.number_of_samples;
  return sizeof(h) + samples * (sizeof(float) * h.trajectory_dimensions +
                                2 * sizeof(float) * h.active_channels);
}

std::uint64_t image_bytes(std::vector<std::byte> const& head) {
  auto const h = at<ISMRMRD::ISMRMRD_ImageHeader>(head, kNumber);
  std::uint64_t const attributes = at<std::uint64_t>(head, kNumber + sizeof(h));
  std::uint64_t const voxels =
      std::uint64_t{h.matrix_size[0]} * h.matrix_size[1] * h.matrix_size[2];
  // 2^48 voxels x 2^16 channels x 16 bytes would not fit into 64 bits.
  if (attributes > kMaxData || voxels > kMaxData) return kMaxData + 1;
  return sizeof(h) + sizeof(attributes) + attributes +
         voxels * h.channels * ISMRMRD::ismrmrd_sizeof_data_type(h.data_type);
}

std::uint64_t body_bytes(std::vector<std::byte> const& head) {
  switch (at<MrdId>(head, 0)) {
    case MrdId::kConfigFile:
      return 1024;
    case MrdId::kClose:
      return 0;
    case MrdId::kConfigText:
    case MrdId::kHeader:
    case MrdId::kText:
      return sizeof(std::uint32_t) + at<std::uint32_t>(head, kNumber);
    case MrdId::kAcquisition:
      return acquisition_bytes(head);
    case MrdId::kImage:
      return image_bytes(head);
    case MrdId::kWaveform: {
      auto const h = at<ISMRMRD::ISMRMRD_WaveformHeader>(head, kNumber);
      return sizeof(h) + sizeof(std::uint32_t) * std::uint64_t{h.channels} * h.number_of_samples;
    }
  }
  return 0;
}

bool is_text(MrdId id) {
  return id == MrdId::kConfigText || id == MrdId::kHeader || id == MrdId::kText;
}

}  // namespace

void MrdMessages::feed(std::span<std::byte const> bytes) {
  while (!bytes.empty()) {
    if (remaining_ > 0) {
      auto const taken = std::min<std::uint64_t>(remaining_, bytes.size());
      bytes = bytes.subspan(static_cast<std::size_t>(taken));
      offset_ += taken;
      remaining_ -= taken;
      if (remaining_ == 0) finish();
      continue;
    }
    std::size_t wanted = kNumber;
    if (head_.size() >= kNumber) wanted += bytes_that_tell(at<std::uint16_t>(head_, 0));
    auto const taken = std::min(wanted - head_.size(), bytes.size());
    head_.insert(head_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
    bytes = bytes.subspan(taken);
    offset_ += taken;
    bool const known = head_.size() >= kNumber &&
                       head_.size() == kNumber + bytes_that_tell(at<std::uint16_t>(head_, 0));
    if (known) begin_body();
  }
}

void MrdMessages::begin_body() {
  std::uint64_t const told = head_.size() - kNumber;  // of the body, seen already
  message_ = {at<MrdId>(head_, 0), offset_ - told, body_bytes(head_)};
  if (message_.size > (is_text(message_.id) ? kMaxText : kMaxData))
    throw FormatError("MRD_MESSAGE_TOO_LARGE",
                      "an MRD message " + std::to_string(static_cast<int>(message_.id)) + " of " +
                          std::to_string(message_.size) + " bytes");
  remaining_ = message_.size - told;
  if (remaining_ == 0) finish();
}

void MrdMessages::finish() {
  head_.clear();
  closed_ |= message_.id == MrdId::kClose;
  complete_(message_);
}

}  // namespace chistream
