#include "formats/dicom/pixels.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmdata/dcxfer.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>

#include <algorithm>

#include "container/sha256.hpp"
#include "formats/dicom/attributes.hpp"
#include "formats/format_error.hpp"

namespace chistream::dicom {

void register_codecs() {
  DJDecoderRegistration::registerCodecs();
  DJLSDecoderRegistration::registerCodecs();
  DcmRLEDecoderRegistration::registerCodecs();
}

void decode(DcmFileFormat& file) {
  DcmDataset& dataset = *file.getDataset();
  DcmXfer const syntax(dataset.getOriginalXfer());
  if (!syntax.isEncapsulated()) return;
  if (text(dataset, DCM_LossyImageCompression) == "01")
    throw FormatError("LOSSY_COMPRESSION", "the image was compressed with loss",
                      "send the images uncompressed or with lossless compression");
  if (dataset.chooseRepresentation(EXS_LittleEndianExplicit, nullptr).bad())
    throw FormatError("DICOM_COMPRESSION_UNSUPPORTED",
                      std::string("the pixels cannot be decoded from ") + syntax.getXferName());
}

Pixels::Pixels(DcmFileFormat& file) {
  DcmDataset& dataset = *file.getDataset();
  Uint16 const* values = nullptr;
  unsigned long size = 0;
  if (dataset.findAndGetUint16Array(DCM_PixelData, values, &size).bad() || !values)
    throw FormatError("DICOM_PIXELS_MISSING", "the image has no pixel data");
  stored_ = {values, size};
  per_frame_ = std::size_t{count(dataset, DCM_Rows)} * count(dataset, DCM_Columns);
  std::size_t const frames = std::max(1U, count(dataset, DCM_NumberOfFrames));
  if (per_frame_ == 0 || size / per_frame_ < frames)
    throw FormatError("DICOM_PIXELS_MISSING",
                      "the image has " + std::to_string(size) + " pixels, fewer than its " +
                          std::to_string(frames) + " frames of " + std::to_string(per_frame_));
  unsigned const bits = std::clamp(count(dataset, DCM_BitsStored), 1U, 16U);
  unsigned const high = std::clamp(count(dataset, DCM_HighBit), bits - 1, 15U);
  shift_ = 15 - high;
  low_ = 16 - bits;
  is_signed_ = count(dataset, DCM_PixelRepresentation) == 1;
}

void Pixels::read(unsigned frame, double scale, double offset, std::span<float> out) const {
  auto const from = stored_.subspan(frame * per_frame_, per_frame_);
  for (std::size_t i = 0; i < per_frame_; ++i) {
    auto const left = static_cast<std::uint16_t>(from[i] << shift_);
    int const value = is_signed_ ? static_cast<std::int16_t>(left) >> low_ : left >> low_;
    out[i] = static_cast<float>(scale * value + offset);
  }
}

std::string Pixels::sha256() const {
  qsm::container::Sha256 digest;
  digest.update(std::string_view(reinterpret_cast<char const*>(stored_.data()),
                                 stored_.size() * sizeof(stored_[0])));
  return digest.hex_digest();
}

}  // namespace chistream::dicom
