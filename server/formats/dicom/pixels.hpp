/// The stored numbers of DICOM images, decoded.
#pragma once

#include <cstdint>
#include <span>
#include <string>

class DcmFileFormat;

namespace chistream::dicom {

/// JPEG (lossless and, where a scanner insists, lossy), JPEG-LS and RLE. Once per process is
/// enough; more do no harm.
void register_codecs();

/// Makes the pixels uncompressed in memory. Throws FormatError DICOM_COMPRESSION_UNSUPPORTED,
/// LOSSY_COMPRESSION (phase does not survive it).
void decode(DcmFileFormat& file);

/// The pixels of a decoded image, all frames one after the other, rows x columns each.
class Pixels {
 public:
  /// `file` outlives this. Throws FormatError DICOM_PIXELS_MISSING where there are fewer numbers
  /// than rows, columns and frames need.
  explicit Pixels(DcmFileFormat& file);

  /// out = scale * stored + offset.
  void read(unsigned frame, double scale, double offset, std::span<float> out) const;

  std::string sha256() const;

 private:
  std::span<std::uint16_t const> stored_;
  std::size_t per_frame_ = 0;
  unsigned shift_ = 0;  // bits above the highest one that counts
  unsigned low_ = 0;    // and below the lowest
  bool is_signed_ = false;
};

}  // namespace chistream::dicom
