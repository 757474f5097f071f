#include "worker/dicom_multiframe.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmdata/dcvrat.h>

#include <algorithm>
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

constexpr DicomCode kBrain{"12738006", "SCT", "Brain"};

void put_tag(DcmItem& item, DcmTagKey const& tag, DcmTagKey const& value) {
  item.putAndInsertTagKey(tag, value);
}

/// What the enhanced equipment module wants and the scanner's files may lack.
void put_equipment(DcmItem& item, SeriesDescription const& series) {
  auto const& id = series.exam.identity();
  auto const known = [](std::string const& value, char const* otherwise) {
    return value.empty() ? otherwise : value;
  };
  put(item, DCM_Manufacturer, known(id.manufacturer(), "unknown"));
  put(item, DCM_ManufacturerModelName, known(id.manufacturer_model(), "unknown"));
  put(item, DCM_DeviceSerialNumber, known(id.device_serial_number(), "unknown"));
  put(item, DCM_SoftwareVersions, known(id.software_versions(), "unknown"));
}

/// One dimension: the place in the stack.
void put_dimensions(DcmItem& item, SeriesUids const& uids) {
  put(append_item(item, DCM_DimensionOrganizationSequence), DCM_DimensionOrganizationUID,
      uids.dimensions());
  DcmItem& index = append_item(item, DCM_DimensionIndexSequence);
  put(index, DCM_DimensionOrganizationUID, uids.dimensions());
  put_tag(index, DCM_DimensionIndexPointer, DCM_InStackPositionNumber);
  put_tag(index, DCM_FunctionalGroupPointer, DCM_FrameContentSequence);
  put(index, DCM_DimensionDescriptionLabel, "slice");
  put(item, DCM_DimensionOrganizationType, "3D");
}

void put_window(DcmItem& group, DicomWindow const& window, double scale, char const* function) {
  put(group, DCM_WindowCenter, decimal_string(window.centre * scale));
  put(group, DCM_WindowWidth, decimal_string(window.width * scale));
  put(group, DCM_WindowCenterWidthExplanation, window.explanation);
  put(group, DCM_VOILUTFunction, function);
}

class Multiframe {
 public:
  Multiframe(SeriesDescription const& series, qsm::v1::DicomObject object,
             std::span<float const> values)
      : series_(series),
        floating_(object == qsm::v1::DICOM_OBJECT_PARAMETRIC_MAP),
        folder_(object_folder(object)),
        quantity_(dicom_quantity(series.kind)),
        stored_(to_stored(quantity_, values)),
        uids_(series.provenance, series.exam.identity(), folder_ + "/" + series_name(series.kind)),
        planes_(series.exam) {
    put_identity(dataset_, series.exam.identity());
    put_general_series(dataset_, series, uids_, object);
    put_equipment(dataset_, series);
    put_derivation(dataset_, series);
    put_coding_schemes(dataset_, quantity_);
    put_image();
    if (floating_)
      put_float_pixels(values);
    else
      put_integer_pixels();
    check_values(dataset_);
    put_dimensions(dataset_, uids_);
    put_evidence(dataset_, series.exam,
                 floating_ ? DCM_ReferencedSeriesSequence : DCM_SourceImageEvidenceSequence);
    dataset_.insertEmptyElement(DCM_AcquisitionContextSequence);
    put_shared();
    for (int number = 1; number <= planes_.count(); ++number) put_frame(number);
  }

  DicomInstance finish() {
    DcmFileFormat file(&dataset_);
    return {folder_ + "/" + series_name(series_.kind) + ".dcm", uids_.instance(0), serialise(file)};
  }

 private:
  std::string image_type() const {
    return std::string("DERIVED\\PRIMARY\\VOLUME\\") +
           (floating_ ? "QUANTITY" : quantity_.image_type);
  }

  void put_image() {
    auto const& matrix = series_.exam.geometry().matrix();
    put(dataset_, DCM_SOPClassUID,
        floating_ ? UID_ParametricMapStorage : UID_EnhancedMRImageStorage);
    put(dataset_, DCM_SOPInstanceUID, uids_.instance(0));
    put(dataset_, DCM_InstanceNumber, "1");
    put(dataset_, DCM_ImageType, image_type());
    put(dataset_, DCM_NumberOfFrames, std::to_string(planes_.count()));
    put_unsigned(dataset_, DCM_SamplesPerPixel, 1);
    put(dataset_, DCM_PhotometricInterpretation, "MONOCHROME2");
    put_unsigned(dataset_, DCM_Rows, static_cast<std::uint16_t>(matrix.y()));
    put_unsigned(dataset_, DCM_Columns, static_cast<std::uint16_t>(matrix.x()));
    put(dataset_, DCM_PresentationLUTShape, "IDENTITY");
    put(dataset_, DCM_BurnedInAnnotation, "NO");
    put(dataset_, DCM_LossyImageCompression, "00");
    if (floating_) {
      put(dataset_, DCM_RecognizableVisualFeatures, "YES");  // a face may be in the field of view
      put(dataset_, DCM_ContentLabel, quantity_.image_type);
      put(dataset_, DCM_ContentDescription, quantity_.title);
      put(dataset_, DCM_ContentCreatorName, "chistream^");
    } else {
      put(dataset_, DCM_ApplicableSafetyStandardAgency, "IEC");
      put_frame_type(dataset_);
    }
  }

  /// Also what the Enhanced MR image says of all its frames.
  void put_frame_type(DcmItem& item) {
    put(item, DCM_PixelPresentation, "MONOCHROME");
    put(item, DCM_VolumetricProperties, "VOLUME");
    put(item, DCM_VolumeBasedCalculationTechnique, "NONE");
    put(item, DCM_ComplexImageComponent, "MAGNITUDE");
    put(item, DCM_AcquisitionContrast, "UNKNOWN");
  }

  /// Every z of the volume in the order of the frames.
  template <class Value>
  std::vector<Value> in_frame_order(std::span<Value const> volume) const {
    std::vector<Value> frames;
    frames.reserve(volume.size());
    std::size_t const size = volume.size() / static_cast<std::size_t>(planes_.count());
    for (int number = 1; number <= planes_.count(); ++number) {
      auto const slice =
          volume.subspan(static_cast<std::size_t>(planes_.slice_of(number)) * size, size);
      frames.insert(frames.end(), slice.begin(), slice.end());
    }
    return frames;
  }

  void put_float_pixels(std::span<float const> values) {
    put_unsigned(dataset_, DCM_BitsAllocated, 32);
    auto const frames = in_frame_order(values);
    dataset_.putAndInsertFloat32Array(DCM_FloatPixelData, frames.data(), frames.size());
  }

  void put_integer_pixels() {
    put_unsigned(dataset_, DCM_BitsAllocated, 16);
    put_unsigned(dataset_, DCM_BitsStored, 16);
    put_unsigned(dataset_, DCM_HighBit, 15);
    put_unsigned(dataset_, DCM_PixelRepresentation, 1);
    auto const frames = in_frame_order(std::span<std::int16_t const>(stored_.values));
    dataset_.putAndInsertUint16Array(DCM_PixelData, reinterpret_cast<Uint16 const*>(frames.data()),
                                     frames.size());
  }

  void put_shared() {
    DcmItem& shared = append_item(dataset_, DCM_SharedFunctionalGroupsSequence);
    DcmItem& measures = append_item(shared, DCM_PixelMeasuresSequence);
    put(measures, DCM_PixelSpacing, planes_.pixel_spacing());
    put(measures, DCM_SliceThickness, planes_.slice_spacing());
    put(measures, DCM_SpacingBetweenSlices, planes_.slice_spacing());
    put(append_item(shared, DCM_PlaneOrientationSequence), DCM_ImageOrientationPatient,
        planes_.orientation());

    DcmItem& transformation = append_item(shared, DCM_PixelValueTransformationSequence);
    put(transformation, DCM_RescaleIntercept, "0");
    put(transformation, DCM_RescaleSlope, "1");
    put(transformation, DCM_RescaleType, "US");

    // Window widths below 1, as ppm have, need the exact function.
    auto const window = windows_of(quantity_, stored_).front();
    put_window(append_item(shared, DCM_FrameVOILUTSequence), window,
               floating_ ? 1 / stored_.per_unit : 1, floating_ ? "LINEAR_EXACT" : "LINEAR");

    DcmItem& anatomy = append_item(shared, DCM_FrameAnatomySequence);
    put(anatomy, DCM_FrameLaterality, "U");
    append_code(anatomy, DCM_AnatomicRegionSequence, kBrain);

    if (floating_) {
      constexpr double kAll = 1e6;  // far beyond any value of any quantity here
      put_real_world_values(shared, quantity_, {1, -kAll, kAll, false});
      put(append_item(shared, DCM_ParametricMapFrameTypeSequence), DCM_FrameType, image_type());
    } else {
      put_real_world_values(shared, quantity_,
                            {1 / stored_.per_unit, -kMaxStored - 1, kMaxStored, true});
      DcmItem& type = append_item(shared, DCM_MRImageFrameTypeSequence);
      put(type, DCM_FrameType, image_type());
      put_frame_type(type);
    }
  }

  void put_frame(int number) {
    int const z = planes_.slice_of(number);
    DcmItem& frame = append_item(dataset_, DCM_PerFrameFunctionalGroupsSequence);
    DcmItem& content = append_item(frame, DCM_FrameContentSequence);
    put(content, DCM_StackID, "1");
    content.putAndInsertUint32(DCM_InStackPositionNumber, static_cast<Uint32>(number));
    content.putAndInsertUint32(DCM_DimensionIndexValues, static_cast<Uint32>(number));
    put(append_item(frame, DCM_PlanePositionSequence), DCM_ImagePositionPatient,
        planes_.position(z));
    put_derivation_image(frame, series_.exam, z, quantity_.quantity);
  }

  SeriesDescription const& series_;
  bool floating_;
  std::string folder_;
  DicomQuantity const& quantity_;
  StoredPixels stored_;
  SeriesUids uids_;
  SlicePlanes planes_;
  DcmDataset dataset_;
};

}  // namespace

DicomInstance write_multiframe(SeriesDescription const& series, qsm::v1::DicomObject object,
                               std::span<float const> values) {
  require_dicom_dictionary();
  auto const& matrix = series.exam.geometry().matrix();
  qsm::require(
      !values.empty() && values.size() == std::size_t{matrix.x()} * matrix.y() * matrix.z(),
      "SHAPE_MISMATCH",
      "a map of " + std::to_string(values.size()) + " voxels does not fill the matrix");
  return Multiframe(series, object, values).finish();
}

}  // namespace chistream
