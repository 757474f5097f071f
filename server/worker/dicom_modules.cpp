#include "worker/dicom_modules.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>

#include <algorithm>
#include <limits>

#include "worker/deidentify.hpp"
#include "worker/dicom_dataset.hpp"
#include "worker/dicom_geometry.hpp"
#include "worker/dicom_identity.hpp"
#include "worker/dicom_quantity.hpp"

namespace chistream {

namespace {

constexpr std::uint64_t kObjectStride = 20;  // more than there are kinds of series

// 0 means unknown in the header; DICOM says so by an empty value.
std::string known(double value) {
  return value > 0 ? decimal_string(value) : std::string();
}

}  // namespace

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

void put_own_series(DcmItem& item, SeriesDescription const& series, SeriesUids const& uids,
                    qsm::v1::DicomObject object) {
  put(item, DCM_StudyInstanceUID, uids.study());
  put(item, DCM_SeriesInstanceUID, uids.series());
  if (series.deidentified) put_deidentification(item, series.software_version);
  constexpr std::uint64_t kIntegerStringMax = std::numeric_limits<std::int32_t>::max();
  put(item, DCM_SeriesNumber,
      std::to_string(
          std::min<std::uint64_t>(std::uint64_t{series.exam.identity().series_number()} * 100 +
                                      kObjectStride * static_cast<std::uint64_t>(object) +
                                      static_cast<std::uint64_t>(series.kind),
                                  kIntegerStringMax)));
  DicomTime const created(series.created_at_unix_s);
  put(item, DCM_InstanceCreationDate, created.date);
  put(item, DCM_InstanceCreationTime, created.time);
  put(item, DCM_SeriesDate, created.date);
  put(item, DCM_SeriesTime, created.time);
  put(item, DCM_ContentDate, created.date);
  put(item, DCM_ContentTime, created.time);
}

void put_general_series(DcmItem& item, SeriesDescription const& series, SeriesUids const& uids,
                        qsm::v1::DicomObject object) {
  put(item, DCM_Modality, "MR");
  put(item, DCM_FrameOfReferenceUID, uids.frame_of_reference());
  put_own_series(item, series, uids, object);
  put(item, DCM_SeriesDescription,
      std::string(dicom_quantity(series.kind).title) +
          (object == qsm::v1::DICOM_OBJECT_PARAMETRIC_MAP ? " float" : "") +
          (series.reference.empty() ? "" : " ref=" + series.reference) +
          (series.qualification == qsm::v1::CONTENT_QUALIFICATION_RESEARCH ? " research" : ""));
  put(item, DCM_AcquisitionNumber, "");
}

}  // namespace chistream
