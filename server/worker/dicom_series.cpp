#include "worker/dicom_series.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcuid.h>

#include <cstdio>
#include <vector>

#include "device/error.hpp"
#include "formats/series_kind.hpp"
#include "worker/dicom_dataset.hpp"
#include "worker/dicom_derivation.hpp"
#include "worker/dicom_geometry.hpp"
#include "worker/dicom_identity.hpp"
#include "worker/dicom_modules.hpp"
#include "worker/dicom_quantity.hpp"
#include "worker/dicom_sources.hpp"

namespace chistream {

namespace {

void put_image_layout(DcmItem& item, qsm::v1::ExamHeader const& exam,
                      DicomQuantity const& quantity) {
  put(item, DCM_SOPClassUID, UID_MRImageStorage);
  // PRIMARY keeps the map out of the hanging protocols for reformatted images.
  put(item, DCM_ImageType, std::string("DERIVED\\PRIMARY\\OTHER\\") + quantity.image_type);
  auto const& geometry = exam.geometry();
  SlicePlanes const planes(exam);
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

std::string series_folder(qsm::v1::SeriesKind kind) {
  std::string folder = kMainSeriesFolder;
  if (kind != qsm::v1::SERIES_KIND_SUSCEPTIBILITY) folder.append("/").append(series_name(kind));
  return folder;
}

std::string instance_name(std::string const& folder, int number) {
  char name[16];
  std::snprintf(name, sizeof(name), "/%04d.dcm", number);
  return folder + name;
}

}  // namespace

std::string object_folder(qsm::v1::DicomObject object) {
  std::string folder = kMainSeriesFolder;
  return folder.append("/").append(object_name(object));
}

std::uint64_t write_dicom_series(SeriesDescription const& series, std::span<float const> values,
                                 std::function<void(DicomInstance const&)> const& write) {
  require_dicom_dictionary();
  auto const& geometry = series.exam.geometry();
  std::size_t const slice_size = std::size_t{geometry.matrix().x()} * geometry.matrix().y();
  qsm::require(!values.empty() && values.size() == slice_size * geometry.matrix().z(),
               "SHAPE_MISMATCH",
               "a map of " + std::to_string(values.size()) + " voxels does not fill the matrix");
  DicomQuantity const& quantity = dicom_quantity(series.kind);
  StoredPixels const stored = to_stored(quantity, values);
  std::string const folder = series_folder(series.kind);
  SeriesUids const uids(series.provenance, series.exam.identity(), folder);

  DcmDataset shared;
  put_identity(shared, series.exam.identity());
  put_acquisition(shared, series.exam);
  put_general_series(shared, series, uids);
  put_image_layout(shared, series.exam, quantity);
  put_quantity(shared, quantity, stored);
  put_derivation(shared, series);
  check_values(shared);

  SlicePlanes const planes(series.exam);
  for (int number = 1; number <= planes.count(); ++number) {
    int const z = planes.slice_of(number);
    DicomInstance instance{instance_name(folder, number), uids.instance(z), {}};
    DcmFileFormat file(&shared);
    DcmDataset& image = *file.getDataset();
    put(image, DCM_SOPInstanceUID, instance.sop_instance_uid);
    put(image, DCM_InstanceNumber, std::to_string(number));
    put(image, DCM_ImagePositionPatient, planes.position(z));
    put_sources(image, series.exam, z);
    static_assert(sizeof(Uint16) == sizeof(std::int16_t));
    auto const* pixels = reinterpret_cast<Uint16 const*>(stored.values.data()) +
                         static_cast<std::size_t>(z) * slice_size;
    image.putAndInsertUint16Array(DCM_PixelData, pixels, slice_size);
    instance.bytes = serialise(file);
    write(instance);
  }
  return stored.saturated;
}

}  // namespace chistream
