#include "container/framing.hpp"

#include <isa-l/crc.h>

#include <algorithm>
#include <cstring>

namespace qsm::container {

std::uint32_t crc32c(std::span<std::byte const> bytes, std::uint32_t crc) {
  // crc32_iscsi takes an int length; the polynomial is Castagnoli's, pre- and post-inverted here.
  constexpr std::size_t kPiece = 1u << 30;
  std::uint32_t state = ~crc;
  while (!bytes.empty()) {
    std::size_t const n = std::min(bytes.size(), kPiece);
    auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
    state = crc32_iscsi(data, static_cast<int>(n), state);
    bytes = bytes.subspan(n);
  }
  return ~state;
}

void FramingChecker::consume(std::span<std::byte const> bytes) {
  bytes_ += bytes.size();
  while (!bytes.empty()) {
    if (in_record_) {
      std::size_t const n = std::min<std::uint64_t>(bytes.size(), remaining_);
      auto const piece = bytes.first(n);
      crc_ = crc32c(piece, crc_);
      auto const type = static_cast<RecordType>(record_.type);
      if (type == RecordType::kHeader) header_.insert(header_.end(), piece.begin(), piece.end());
      if (type == RecordType::kEnd) end_.insert(end_.end(), piece.begin(), piece.end());
      remaining_ -= n;
      bytes = bytes.subspan(n);
      if (remaining_ == 0) end_record();
      continue;
    }
    std::size_t const wanted = magic_seen_ ? sizeof(RecordHead) : sizeof(kMagic);
    std::size_t const n = std::min(bytes.size(), wanted - pending_.size());
    pending_.insert(pending_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    bytes = bytes.subspan(n);
    if (pending_.size() < wanted) continue;
    if (magic_seen_) {
      begin_record();
    } else {
      if (std::memcmp(pending_.data(), kMagic, sizeof(kMagic)) != 0)
        throw FramingError("BAD_MAGIC", "the upload does not begin with QSMEXAM1");
      magic_seen_ = true;
    }
    pending_.clear();
  }
}

void FramingChecker::begin_record() {
  std::memcpy(&record_, pending_.data(), sizeof(record_));
  auto const type = static_cast<RecordType>(record_.type);
  if (end_seen_)
    throw FramingError("RECORD_AFTER_END", "bytes follow the end record of the container");
  if (record_.type < 1 || record_.type > 4)
    throw FramingError("BAD_RECORD_TYPE", "record type " + std::to_string(record_.type));
  if (!header_seen_ && type != RecordType::kHeader)
    throw FramingError("MISSING_HEADER", "the first record is not an exam header");
  if (header_seen_ && type == RecordType::kHeader)
    throw FramingError("DUPLICATE_HEADER", "a second exam header follows the first");
  bool const small = type == RecordType::kHeader || type == RecordType::kEnd;
  if (record_.length > (small ? kMaxHeaderBytes : kMaxRecordBytes))
    throw FramingError("RECORD_TOO_LARGE",
                       "a record announces " + std::to_string(record_.length) + " bytes");
  header_seen_ = true;
  remaining_ = record_.length;
  crc_ = 0;
  in_record_ = true;
  if (remaining_ == 0) end_record();
}

void FramingChecker::end_record() {
  in_record_ = false;
  if (crc_ != record_.crc32c)
    throw FramingError("RECORD_CRC_MISMATCH", "a record that ends at byte " +
                                                  std::to_string(bytes_) + " or before is damaged");
  switch (static_cast<RecordType>(record_.type)) {
    case RecordType::kAcquisition: ++acquisitions_; break;
    case RecordType::kImageBlock: ++image_blocks_; break;
    case RecordType::kEnd: end_seen_ = true; break;
    case RecordType::kHeader: break;
  }
}

void FramingChecker::finish() const {
  if (!end_seen_)
    throw FramingError("TRUNCATED_CONTAINER", "the container stops after " +
                                                  std::to_string(bytes_) +
                                                  " bytes, before its end record");
}

}  // namespace qsm::container
