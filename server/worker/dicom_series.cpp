#include "worker/dicom_series.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcuid.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

#include "device/error.hpp"
#include "worker/dicom_dataset.hpp"
#include "worker/dicom_geometry.hpp"
#include "worker/dicom_identity.hpp"
#include "worker/dicom_quantity.hpp"

namespace chistream {

namespace {

struct StoredPixels {
  std::vector<std::int16_t> ppb;
  std::int16_t lowest = 0;
  std::int16_t highest = 0;
  std::uint64_t saturated = 0;
};

StoredPixels to_ppb(std::span<float const> chi_ppm) {
  StoredPixels stored;
  stored.ppb.reserve(chi_ppm.size());
  for (float const chi : chi_ppm) {
    qsm::require(std::isfinite(chi), "NON_FINITE_VALUE", "the susceptibility map is not finite");
    double const ppb = std::round(1e3 * static_cast<double>(chi));
    stored.saturated += std::abs(ppb) > kMaxPpb;
    stored.ppb.push_back(static_cast<std::int16_t>(
        std::clamp(ppb, static_cast<double>(-kMaxPpb), static_cast<double>(kMaxPpb))));
  }
  auto const [low, high] = std::minmax_element(stored.ppb.begin(), stored.ppb.end());
  stored.lowest = *low;
  stored.highest = *high;
  return stored;
}

// 0 means unknown in the header; DICOM says so by an empty value.
std::string known(double value) {
  return value > 0 ? decimal_string(value) : std::string();
}

void put_acquisition(DcmItem& item, qsm::v1::ExamHeader const& exam) {
  put(item, DCM_ScanningSequence, "GR");
  put(item, DCM_SequenceVariant, "SP");
  put(item, DCM_ScanOptions, "");
  put(item, DCM_MRAcquisitionType, "3D");
  put(item, DCM_RepetitionTime, known(1e3 * exam.tr_s()));
  put(item, DCM_EchoTime, "");  // a map of several echoes has none; the derivation lists them
  put(item, DCM_EchoTrainLength, std::to_string(exam.te_s_size()));
  put(item, DCM_MagneticFieldStrength, known(exam.b0_t()));
  put_if_known(item, DCM_ImagingFrequency, known(1e-6 * exam.frequency_hz()));
  put_if_known(item, DCM_FlipAngle, known(exam.flip_angle_deg()));
}

void put_series(DcmItem& item, SeriesDescription const& series, SeriesUids const& uids) {
  put(item, DCM_Modality, "MR");
  put(item, DCM_StudyInstanceUID, uids.study());
  put(item, DCM_SeriesInstanceUID, uids.series());
  put(item, DCM_FrameOfReferenceUID, uids.frame_of_reference());
  constexpr std::uint64_t kIntegerStringMax = std::numeric_limits<std::int32_t>::max();
  put(item, DCM_SeriesNumber,
      std::to_string(std::min<std::uint64_t>(
          std::uint64_t{series.exam.identity().series_number()} * 100 + 1, kIntegerStringMax)));
  put(item, DCM_SeriesDescription, "QSM [ppb] ref=" + series.reference + " research");
  put(item, DCM_AcquisitionNumber, "");

  DicomTime const created(series.created_at_unix_s);
  put(item, DCM_InstanceCreationDate, created.date);
  put(item, DCM_InstanceCreationTime, created.time);
  put(item, DCM_SeriesDate, created.date);
  put(item, DCM_SeriesTime, created.time);
  put(item, DCM_ContentDate, created.date);
  put(item, DCM_ContentTime, created.time);
}

void put_image_layout(DcmItem& item, qsm::v1::Geometry const& geometry) {
  put(item, DCM_SOPClassUID, UID_MRImageStorage);
  // PRIMARY keeps the map out of the hanging protocols for reformatted images.
  put(item, DCM_ImageType, "DERIVED\\PRIMARY\\OTHER\\QSM");
  SlicePlanes const planes(geometry);
  put(item, DCM_ImageOrientationPatient, planes.orientation());
  put(item, DCM_PixelSpacing, planes.pixel_spacing());
  put(item, DCM_SliceThickness, planes.slice_spacing());
  put(item, DCM_SpacingBetweenSlices, planes.slice_spacing());
  put_unsigned(item, DCM_SamplesPerPixel, 1);
  put(item, DCM_PhotometricInterpretation, "MONOCHROME2");
  put_unsigned(item, DCM_Rows, static_cast<std::uint16_t>(geometry.matrix().y()));
  put_unsigned(item, DCM_Columns, static_cast<std::uint16_t>(geometry.matrix().x()));
  put_unsigned(item, DCM_BitsAllocated, 16);
  put_unsigned(item, DCM_BitsStored, 16);
  put_unsigned(item, DCM_HighBit, 15);
  put_unsigned(item, DCM_PixelRepresentation, 1);
  put(item, DCM_BurnedInAnnotation, "NO");
  put(item, DCM_LossyImageCompression, "00");
}

std::string instance_name(int number) {
  char name[32];
  std::snprintf(name, sizeof(name), "dicom/%04d.dcm", number);
  return name;
}

}  // namespace

std::uint64_t write_dicom_series(SeriesDescription const& series, std::span<float const> chi_ppm,
                                 std::function<void(DicomInstance const&)> const& write) {
  require_dicom_dictionary();
  auto const& geometry = series.exam.geometry();
  std::size_t const slice_size = std::size_t{geometry.matrix().x()} * geometry.matrix().y();
  qsm::require(!chi_ppm.empty() && chi_ppm.size() == slice_size * geometry.matrix().z(),
               "SHAPE_MISMATCH",
               "a map of " + std::to_string(chi_ppm.size()) + " voxels does not fill the matrix");
  StoredPixels const stored = to_ppb(chi_ppm);
  SeriesUids const uids(series.provenance, series.exam.identity(), "dicom");

  DcmDataset shared;
  put_identity(shared, series.exam.identity());
  put_acquisition(shared, series.exam);
  put_series(shared, series, uids);
  put_image_layout(shared, geometry);
  put_quantity(shared);
  put_extremes(shared, stored.lowest, stored.highest);
  put_derivation(shared, series);
  check_values(shared);

  SlicePlanes const planes(geometry);
  for (int number = 1; number <= planes.count(); ++number) {
    int const z = planes.slice_of(number);
    DicomInstance instance{instance_name(number), uids.instance(z), {}};
    DcmFileFormat file(&shared);
    DcmDataset& image = *file.getDataset();
    put(image, DCM_SOPInstanceUID, instance.sop_instance_uid);
    put(image, DCM_InstanceNumber, std::to_string(number));
    put(image, DCM_ImagePositionPatient, planes.position(z));
    static_assert(sizeof(Uint16) == sizeof(std::int16_t));
    auto const* pixels = reinterpret_cast<Uint16 const*>(stored.ppb.data()) +
                         static_cast<std::size_t>(z) * slice_size;
    image.putAndInsertUint16Array(DCM_PixelData, pixels, slice_size);
    instance.bytes = serialise(file);
    write(instance);
  }
  return stored.saturated;
}

}  // namespace chistream
