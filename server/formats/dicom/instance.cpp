#include "formats/dicom/instance.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcuid.h>

#include <algorithm>

#include "container/sha256.hpp"
#include "formats/dicom/attributes.hpp"
#include "formats/dicom/frame_groups.hpp"
#include "formats/dicom/identity.hpp"
#include "formats/dicom/pixels.hpp"
#include "formats/dicom/vendor.hpp"
#include "formats/format_error.hpp"

namespace chistream::dicom {

namespace {

std::string required(DcmItem* item, DcmTagKey const& tag) {
  std::string const value = item ? text(*item, tag) : "";
  if (value.empty())
    throw FormatError("DICOM_ATTRIBUTE_MISSING",
                      std::string("the image has no ") + DcmTag(tag).getTagName());
  return value;
}

double required_number(DcmItem* item, DcmTagKey const& tag) {
  required(item, tag);
  auto const value = number(*item, tag);
  if (!value)
    throw FormatError("DICOM_VALUE_INVALID",
                      std::string(DcmTag(tag).getTagName()) + " of the image is not a number");
  return *value;
}

/// `in_frame` of the frame's type, else `in_image` of the data set.
std::string type_text(FrameGroups const& groups, DcmItem& dataset, unsigned frame,
                      DcmTagKey const& in_frame, DcmTagKey const& in_image) {
  if (groups.multi_frame())
    if (DcmItem* const type = groups.group(frame, DCM_MRImageFrameTypeSequence)) {
      auto const value = text(*type, in_frame);
      if (!value.empty()) return value;
    }
  return text(dataset, in_image);
}

/// Philips puts (2005,100E), and other values of a frame, into a private sequence (2005,140F).
double philips_scale_slope(DcmItem* frame) {
  if (!frame) return 0;
  constexpr char const* kCreator = "Philips MR Imaging DD 001";
  if (auto const direct = private_number(*frame, 0x2005, 0x0e, kCreator, true)) return *direct;
  DcmItem* const inner = first_item(*frame, DcmTagKey(0x2005, 0x140f));
  return inner ? private_number(*inner, 0x2005, 0x0e, kCreator, true).value_or(0) : 0;
}

class Describer {
 public:
  Describer(DcmItem& dataset, qsm::v1::DicomInstance& instance)
      : dataset_(dataset), groups_(dataset), vendor_(vendor_of(dataset)), instance_(instance) {}

  void run() {
    objects();
    plane();
    scan();
    unsigned const frames = groups_.frames();
    unsigned const declared = std::max(1U, count(dataset_, DCM_NumberOfFrames));
    if (groups_.multi_frame() ? frames != declared : declared != 1)
      throw FormatError("DICOM_VALUE_INVALID", "the image names " + std::to_string(declared) +
                                                   " frames and describes " +
                                                   std::to_string(frames));
    for (unsigned i = 0; i < frames; ++i) add_frame(i);
  }

 private:
  void objects() {
    instance_.set_sop_class_uid(required(&dataset_, DCM_SOPClassUID));
    auto const classes = mr_image_classes();
    if (std::find(classes.begin(), classes.end(), instance_.sop_class_uid()) == classes.end())
      throw FormatError("DICOM_CLASS_UNSUPPORTED",
                        "the object is no MR image but " + instance_.sop_class_uid());
    instance_.set_sop_instance_uid(required(&dataset_, DCM_SOPInstanceUID));
    instance_.set_series_instance_uid(required(&dataset_, DCM_SeriesInstanceUID));
    required(&dataset_, DCM_StudyInstanceUID);
    instance_.set_series_number(count(dataset_, DCM_SeriesNumber));
    instance_.set_vendor(vendor_name(vendor_));
    instance_.set_phase_sign(phase_sign(vendor_));
    auto const type = texts(dataset_, DCM_ImageType);
    auto const has = [&](auto... names) {
      return std::any_of(type.begin(), type.end(),
                         [&](auto const& token) { return ((token == names) || ...); });
    };
    instance_.set_distortion_corrected(has("DIS2D", "DIS3D"));
    instance_.set_filtered(has("SWI", "SWI_PHASE", "FILTERED", "HOMODYNE"));
  }

  void plane() {
    instance_.set_rows(count(dataset_, DCM_Rows));
    instance_.set_columns(count(dataset_, DCM_Columns));
    if (count(dataset_, DCM_SamplesPerPixel) > 1)
      throw FormatError("DICOM_VALUE_INVALID", "the image is in colour");
    pixels_ = {.bits = count(dataset_, DCM_BitsStored),
               .is_signed = count(dataset_, DCM_PixelRepresentation) == 1};
    if (pixels_.bits < 8 || pixels_.bits > 16 || count(dataset_, DCM_BitsAllocated) != 16)
      throw FormatError("DICOM_VALUE_INVALID",
                        std::to_string(pixels_.bits) + " bits of " +
                            std::to_string(count(dataset_, DCM_BitsAllocated)) +
                            " per pixel are not supported",
                        "8 to 16 bits stored in 16");
  }

  void scan() {
    *instance_.mutable_identity() = identity_of(dataset_);
    double const frequency_mhz =
        scan_number(DCM_ImagingFrequency, DCM_MRImagingModifierSequence, DCM_TransmitterFrequency);
    instance_.set_frequency_hz(1e6 * frequency_mhz);
    double const b0 = number(dataset_, DCM_MagneticFieldStrength).value_or(0);
    // Some routers and old software write gauss.
    instance_.set_b0_t(b0 > 1000 ? b0 * 1e-4 : b0);
    instance_.set_tr_s(1e-3 * scan_number(DCM_RepetitionTime,
                                          DCM_MRTimingAndRelatedParametersSequence,
                                          DCM_RepetitionTime));
    instance_.set_flip_angle_deg(
        scan_number(DCM_FlipAngle, DCM_MRTimingAndRelatedParametersSequence, DCM_FlipAngle));
    auto const declared = declared_counts(vendor_, dataset_);
    instance_.set_declared_echoes(declared.echoes);
    instance_.set_declared_slices(declared.slices);
  }

  double scan_number(DcmTagKey const& tag, DcmTagKey const& group, DcmTagKey const& in_group) {
    if (!groups_.multi_frame()) return number(dataset_, tag).value_or(0);
    DcmItem* const item = groups_.group(0, group);
    return item ? number(*item, in_group).value_or(0) : 0;
  }

  void add_frame(unsigned index) {
    auto& frame = *instance_.add_frames();
    frame.set_number(index);
    frame.set_part(part_of(
        vendor_, dataset_,
        type_text(groups_, dataset_, index, DCM_ComplexImageComponent, DCM_ComplexImageComponent),
        components(type_text(groups_, dataset_, index, DCM_FrameType, DCM_ImageType))));
    if (frame.part() == qsm::v1::IMAGE_PART_UNSPECIFIED) return;
    place(frame, index);
    DcmItem* const echo = groups_.group(index, DCM_MREchoSequence);
    frame.set_te_s(
        1e-3 * required_number(echo, groups_.multi_frame() ? DCM_EffectiveEchoTime : DCM_EchoTime));
    frame.set_echo_number(count(dataset_, DCM_EchoNumbers));
    auto const scale = scale_of(frame.part(), index);
    frame.set_scale(scale.scale);
    frame.set_offset(scale.offset);
  }

  void place(qsm::v1::DicomFrame& frame, unsigned index) {
    frame.set_position(
        required(groups_.group(index, DCM_PlanePositionSequence), DCM_ImagePositionPatient));
    std::string const orientation =
        required(groups_.group(index, DCM_PlaneOrientationSequence), DCM_ImageOrientationPatient);
    DcmItem* const measures = groups_.group(index, DCM_PixelMeasuresSequence);
    required(measures, DCM_PixelSpacing);
    auto const spacing = numbers(*measures, DCM_PixelSpacing);
    if (spacing.size() != 2)
      throw FormatError("DICOM_VALUE_INVALID", "Pixel Spacing of the image is not two numbers");
    double const thickness = number(*measures, DCM_SliceThickness).value_or(0);
    if (instance_.orientation().empty()) {
      instance_.set_orientation(orientation);
      instance_.set_row_spacing_mm(spacing[0]);
      instance_.set_column_spacing_mm(spacing[1]);
      instance_.set_slice_thickness_mm(thickness);
    } else if (instance_.orientation() != orientation || instance_.row_spacing_mm() != spacing[0] ||
               instance_.column_spacing_mm() != spacing[1]) {
      throw FormatError("GEOMETRY_MISMATCH",
                        "the frames of one instance lie in different directions");
    }
  }

  LinearScale scale_of(qsm::v1::ImagePart part, unsigned index) {
    StoredPixels stored = pixels_;
    if (DcmItem* const item = groups_.group(index, DCM_PixelValueTransformationSequence)) {
      auto const slope = number(*item, DCM_RescaleSlope);
      auto const intercept = number(*item, DCM_RescaleIntercept);
      stored.rescaled = slope && intercept;
      if (stored.rescaled) {
        stored.slope = *slope;
        stored.intercept = *intercept;
      }
    }
    if (stored.slope == 0)
      throw FormatError("DICOM_VALUE_INVALID", "Rescale Slope of the image is 0");
    if (part == qsm::v1::IMAGE_PART_PHASE) return phase_scale(vendor_, stored);
    return magnitude_scale(vendor_, stored, philips_scale_slope(groups_.frame_item(index)));
  }

  DcmItem& dataset_;
  FrameGroups groups_;
  Vendor vendor_;
  qsm::v1::DicomInstance& instance_;
  StoredPixels pixels_{};  // without a rescaling, which is the frame's
};

/// Of the pixels and of what decides their meaning, so that a second copy under the same UID is
/// recognised, or another content told.
std::string content_digest(Pixels const& pixels, qsm::v1::DicomInstance const& instance) {
  qsm::container::Sha256 digest;
  for (auto const& frame : instance.frames())
    digest.update(std::to_string(frame.part()) + '|' + frame.position() + '|' +
                  std::to_string(frame.te_s()) + ';');
  digest.update(pixels.sha256());
  return digest.hex_digest();
}

}  // namespace

std::array<char const*, 3> mr_image_classes() {
  return {UID_MRImageStorage, UID_EnhancedMRImageStorage,
          UID_LegacyConvertedEnhancedMRImageStorage};
}

void load(std::filesystem::path const& path, DcmFileFormat& file) {
  if (!dcmDataDict.isDictionaryLoaded())
    throw FormatError("DICOM_DICTIONARY_MISSING", "DCMTK found no data dictionary",
                      "set DCMDICTPATH to dicom.dic");
  auto const status = file.loadFile(path.c_str());
  if (status.bad())
    throw FormatError("NOT_DICOM", std::string(status.text()) + ", in " + path.filename().string());
}

qsm::v1::DicomInstance describe(DcmFileFormat& file) {
  qsm::v1::DicomInstance instance;
  DcmDataset& dataset = *file.getDataset();
  Describer(dataset, instance).run();
  decode(file);
  instance.set_content_sha256(content_digest(Pixels(file), instance));
  return instance;
}

qsm::v1::DicomInstance describe(std::filesystem::path const& path) {
  DcmFileFormat file;
  load(path, file);
  return describe(file);
}

}  // namespace chistream::dicom
