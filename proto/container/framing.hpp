/// The bytes of an exam container: what the client writes, the daemon checks and the worker reads.
///
///   "QSMEXAM1"                                                        8 bytes, once
///   { u32 type, u32 crc32c of the payload, u64 length, payload }      little endian, repeated
///
/// The first record is a kHeader (serialised qsm.v1.ExamHeader), the last a kEnd (qsm.v1
/// ContainerEnd); between them stand kAcquisition records (one k-space line of every coil: an
/// AcquisitionHead, then coils x samples complex float32, sample fastest) or kImageBlock records (an
/// ImageBlockHead, then one volume, x fastest).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace qsm::container {

inline constexpr char kMagic[8] = {'Q', 'S', 'M', 'E', 'X', 'A', 'M', '1'};
inline constexpr std::uint64_t kMaxHeaderBytes = 16u << 20;   // header and end records
inline constexpr std::uint64_t kMaxRecordBytes = 16ull << 30; // one 1024^3 complex volume is 8 GiB

enum class RecordType : std::uint32_t { kHeader = 1, kAcquisition = 2, kImageBlock = 3, kEnd = 4 };

struct RecordHead {
  std::uint32_t type = 0;
  std::uint32_t crc32c = 0;
  std::uint64_t length = 0;
};

/// A k-space line. `line_y` and `line_z` count from 0 in the encoded matrix, centre at size/2;
/// samples are already in ascending kx order and fill the encoded x size.
struct AcquisitionHead {
  std::uint32_t echo = 0;
  std::uint32_t line_y = 0;
  std::uint32_t line_z = 0;
  std::uint32_t coils = 0;
  std::uint32_t samples = 0;
  std::uint32_t reserved = 0;
};

enum class Component : std::uint32_t { kComplex = 0, kMagnitude = 1, kPhase = 2 };  // phase [rad]

struct ImageBlockHead {
  std::uint32_t echo = 0;
  std::uint32_t coil = 0;
  std::uint32_t component = 0;
  std::uint32_t size_x = 0;
  std::uint32_t size_y = 0;
  std::uint32_t size_z = 0;
};

static_assert(sizeof(RecordHead) == 16 && sizeof(AcquisitionHead) == 24 &&
              sizeof(ImageBlockHead) == 24);

/// CRC-32C (Castagnoli) of `bytes`, continuing from `crc` (0 to begin).
std::uint32_t crc32c(std::span<std::byte const> bytes, std::uint32_t crc = 0);

/// A container that is not one. `reason` is stable (UPPER_SNAKE_CASE).
class FramingError : public std::runtime_error {
 public:
  FramingError(std::string reason, std::string const& message)
      : std::runtime_error(message), reason_(std::move(reason)) {}
  std::string const& reason() const { return reason_; }

 private:
  std::string reason_;
};

/// Follows a container as it arrives, in pieces of any size, and never holds more than the header.
///
/// Throws FramingError: BAD_MAGIC, BAD_RECORD_TYPE, RECORD_TOO_LARGE, RECORD_CRC_MISMATCH,
/// MISSING_HEADER, DUPLICATE_HEADER, RECORD_AFTER_END; finish(): TRUNCATED_CONTAINER. What the end
/// record promises is compared with what came by whoever can parse it.
class FramingChecker {
 public:
  void consume(std::span<std::byte const> bytes);

  /// To be called after the last byte.
  void finish() const;

  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t acquisitions() const { return acquisitions_; }
  std::uint64_t image_blocks() const { return image_blocks_; }
  std::vector<std::byte> const& header() const { return header_; }  // payload of kHeader
  std::vector<std::byte> const& end() const { return end_; }        // payload of kEnd

 private:
  void begin_record();
  void end_record();

  std::uint64_t bytes_ = 0;
  std::uint64_t acquisitions_ = 0;
  std::uint64_t image_blocks_ = 0;
  std::vector<std::byte> header_;
  std::vector<std::byte> end_;
  std::vector<std::byte> pending_;  // magic or record head, until complete
  RecordHead record_;
  std::uint64_t remaining_ = 0;     // payload bytes of record_ still to come
  std::uint32_t crc_ = 0;
  bool magic_seen_ = false;
  bool in_record_ = false;
  bool header_seen_ = false;
  bool end_seen_ = false;
};

}  // namespace qsm::container
