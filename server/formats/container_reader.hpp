/// Reads a finished exam container (proto/container/framing.hpp) where it lies, without a copy.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "container/framing.hpp"
#include "formats/mapped_file.hpp"
#include "qsm/v1/acquisition.pb.h"

namespace chistream {

/// A record's place: `body` is the offset in the file of the samples, behind the head.
struct AcquisitionRecord {
  qsm::container::AcquisitionHead head;
  std::uint32_t crc32c;
  std::uint64_t body;
};

struct ImageBlockRecord {
  qsm::container::ImageBlockHead head;
  std::uint32_t crc32c;
  std::uint64_t body;
};

/// Maps a container and indexes its records: one pass over the record heads, 40 bytes of memory per
/// record. After construction every body lies inside the file and is as long as its head says.
///
/// Of header and end the CRC is checked; the samples are not read, intact() and inspect() do that.
///
/// Throws FormatError: FILE_UNREADABLE, BAD_MAGIC, BAD_RECORD_TYPE, RECORD_TOO_LARGE,
/// MISSING_HEADER, DUPLICATE_HEADER, BAD_HEADER, UNSUPPORTED_VERSION, BAD_RECORD, SAMPLES_MISMATCH,
/// TRUNCATED_CONTAINER, RECORD_CRC_MISMATCH, RECORD_AFTER_END, COUNT_MISMATCH (the end record
/// promises other numbers).
class ContainerReader {
 public:
  explicit ContainerReader(std::filesystem::path const& path);

  /// With the warnings of the end record as well.
  qsm::v1::ExamHeader const& header() const { return header_; }
  std::uint64_t bytes() const { return file_.bytes().size(); }

  /// In the order written. For a container of images, acquisitions() is empty, and vice versa.
  std::vector<AcquisitionRecord> const& acquisitions() const { return acquisitions_; }
  std::vector<ImageBlockRecord> const& image_blocks() const { return image_blocks_; }

  /// The samples as bytes; they may lie at any address, hence no span of floats. coils x samples
  /// complex float32 for an acquisition; one volume of complex float32 or float32 for a block.
  std::span<std::byte const> body(AcquisitionRecord const& record) const;
  std::span<std::byte const> body(ImageBlockRecord const& record) const;

  /// Whether head and samples are as they were written: what lay on a disk for a while need not be
  /// what was inspected once.
  bool intact(AcquisitionRecord const& record) const;
  bool intact(ImageBlockRecord const& record) const;

  /// Copies a body out. Throws std::logic_error if `out` has another size.
  void read(AcquisitionRecord const& record, std::span<std::complex<float>> out) const;
  void read(ImageBlockRecord const& record, std::span<std::complex<float>> out) const;  // kComplex
  void read(ImageBlockRecord const& record, std::span<float> out) const;  // kMagnitude, kPhase

 private:
  void index();
  void add_record(qsm::container::RecordHead const& record, std::uint64_t at);

  MappedFile file_;
  qsm::v1::ExamHeader header_;
  qsm::v1::ContainerEnd end_;
  std::vector<AcquisitionRecord> acquisitions_;
  std::vector<ImageBlockRecord> image_blocks_;
};

/// Bytes of the body that a head announces; 0 for an unknown component.
std::uint64_t body_bytes(qsm::container::AcquisitionHead const& head);
std::uint64_t body_bytes(qsm::container::ImageBlockHead const& head);

}  // namespace chistream
