#include "formats/ismrmrd/xml.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "formats/format_error.hpp"

namespace chistream {

using namespace ISMRMRD;

namespace {

constexpr double kHzPerTesla = 42.577478518e6;  // proton, CODATA 2018

/// Milliseconds, which ISMRMRD keeps as float32, in seconds to the nanosecond: 3.6 stays 0.0036.
double seconds(float ms) {
  return std::round(static_cast<double>(ms) * 1e6) * 1e-9;
}

/// "1980-02-29" and "19800229", "12:30:00" and "123000.5": digits alone, as DICOM wants them.
std::string digits(std::string text) {
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

template <class T>
void copy(Optional<T> const& from, auto setter) {
  if (from) setter(*from);
}

void read_identity(IsmrmrdHeader const& xml, qsm::v1::Identity& id) {
  if (xml.subjectInformation) {
    auto const& s = *xml.subjectInformation;
    copy(s.patientName, [&](auto const& v) { id.set_patient_name(v); });
    copy(s.patientID, [&](auto const& v) { id.set_patient_id(v); });
    copy(s.patientBirthdate, [&](auto const& v) { id.set_patient_birth_date(digits(v)); });
    copy(s.patientGender, [&](auto const& v) { id.set_patient_sex(v); });
    copy(s.patientWeight_kg, [&](float v) { id.set_patient_weight_kg(v); });
  }
  if (xml.studyInformation) {
    auto const& s = *xml.studyInformation;
    copy(s.studyInstanceUID, [&](auto const& v) { id.set_study_instance_uid(v); });
    copy(s.studyID, [&](auto const& v) { id.set_study_id(v); });
    copy(s.studyDescription, [&](auto const& v) { id.set_study_description(v); });
    copy(s.studyDate, [&](auto const& v) { id.set_study_date(digits(v)); });
    copy(s.studyTime, [&](auto const& v) { id.set_study_time(digits(v)); });
    copy(s.accessionNumber, [&](long v) { id.set_accession_number(std::to_string(v)); });
    copy(s.referringPhysicianName, [&](auto const& v) { id.set_referring_physician(v); });
  }
  if (xml.measurementInformation) {
    auto const& m = *xml.measurementInformation;
    id.set_patient_position(m.patientPosition);
    copy(m.frameOfReferenceUID, [&](auto const& v) { id.set_frame_of_reference_uid(v); });
    copy(m.initialSeriesNumber, [&](long v) {
      id.set_series_number(static_cast<std::uint32_t>(std::clamp(v, 0L, 1'000'000L)));
    });
    copy(m.seriesDate, [&](auto const& v) { id.set_acquisition_date(digits(v)); });
    copy(m.seriesTime, [&](auto const& v) { id.set_acquisition_time(digits(v)); });
    copy(m.protocolName, [&](auto const& v) { id.set_protocol_name(v); });
  }
  if (xml.acquisitionSystemInformation) {
    auto const& a = *xml.acquisitionSystemInformation;
    copy(a.systemVendor, [&](auto const& v) { id.set_manufacturer(v); });
    copy(a.systemModel, [&](auto const& v) { id.set_manufacturer_model(v); });
    copy(a.deviceID, [&](auto const& v) { id.set_device_serial_number(v); });
    copy(a.institutionName, [&](auto const& v) { id.set_institution(v); });
    copy(a.stationName, [&](auto const& v) { id.set_station(v); });
  }
}

void read_spaces(Encoding const& encoding, qsm::v1::ExamHeader& header) {
  auto const& recon = encoding.reconSpace;
  auto const& encoded = encoding.encodedSpace;
  auto& matrix = *header.mutable_geometry()->mutable_matrix();
  matrix.set_x(recon.matrixSize.x);
  matrix.set_y(recon.matrixSize.y);
  matrix.set_z(recon.matrixSize.z);
  header.mutable_encoded()->set_x(encoded.matrixSize.x);
  header.mutable_encoded()->set_y(encoded.matrixSize.y);
  header.mutable_encoded()->set_z(encoded.matrixSize.z);
  auto const voxel_mm = [&](char axis, float fov, unsigned n, float encoded_fov, unsigned k) {
    if (n == 0 || k == 0)
      throw FormatError("MATRIX_OUT_OF_RANGE", std::string("the matrix is empty along ") + axis);
    if (fov == 0 || encoded_fov == 0)
      throw FormatError("ZERO_FIELD_OF_VIEW",
                        std::string("the field of view along ") + axis + " is 0 mm");
    double const voxel = static_cast<double>(fov) / n;
    double const encoded_voxel = static_cast<double>(encoded_fov) / k;
    // Cropping about the centre keeps the voxel; anything else would be resampling.
    if (!(std::abs(voxel - encoded_voxel) <= 0.01 * std::abs(voxel)))
      throw FormatError("FOV_MISMATCH",
                        "voxels of " + std::to_string(voxel) + " mm in the image and " +
                            std::to_string(encoded_voxel) + " mm in k-space along " + axis);
    return std::round(voxel * 1e6) * 1e-6;  // field of view is float32
  };
  auto const& f = recon.fieldOfView_mm;
  auto const& g = encoded.fieldOfView_mm;
  auto& voxel = *header.mutable_geometry()->mutable_voxel_mm();
  voxel.set_x(voxel_mm('x', f.x, matrix.x(), g.x, encoded.matrixSize.x));
  voxel.set_y(voxel_mm('y', f.y, matrix.y(), g.y, encoded.matrixSize.y));
  voxel.set_z(voxel_mm('z', f.z, matrix.z(), g.z, encoded.matrixSize.z));
}

void check_supported(IsmrmrdHeader const& xml) {
  if (xml.encoding.size() != 1)
    throw FormatError(
        "ENCODINGS_UNSUPPORTED",
        "the data set has " + std::to_string(xml.encoding.size()) + " encodings, not one");
  auto const& encoding = xml.encoding[0];
  if (encoding.trajectory != TrajectoryType::CARTESIAN)
    throw FormatError("TRAJECTORY_UNSUPPORTED", "the trajectory is not Cartesian");
  if (encoding.parallelImaging) {
    auto const& factor = encoding.parallelImaging->accelerationFactor;
    if (factor.kspace_encoding_step_1 > 1 || factor.kspace_encoding_step_2 > 1)
      throw FormatError(
          "UNDERSAMPLED",
          "the scan is accelerated by R = " + std::to_string(factor.kspace_encoding_step_1) +
              " along y and R = " + std::to_string(factor.kspace_encoding_step_2) + " along z",
          "send a fully sampled scan, or images reconstructed by the scanner");
  }
}

}  // namespace

ISMRMRD::IsmrmrdHeader parse_ismrmrd_xml(std::string const& text) {
  try {
    ISMRMRD::IsmrmrdHeader xml;
    ISMRMRD::deserialize(text.c_str(), xml);
    return xml;
  } catch (std::exception const& e) {
    throw FormatError("BAD_ISMRMRD_HEADER",
                      std::string("the XML header is not valid: ") + e.what());
  }
}

qsm::v1::ExamHeader exam_header_of(IsmrmrdHeader const& xml) {
  check_supported(xml);
  qsm::v1::ExamHeader header;
  header.set_format_version(1);
  header.set_content(qsm::v1::CONTENT_KIND_KSPACE);
  header.set_source_format("ismrmrd");
  header.set_phase_sign(1);
  read_spaces(xml.encoding[0], header);
  if (xml.sequenceParameters) {
    auto const& sequence = *xml.sequenceParameters;
    if (sequence.TE)
      for (float const te : *sequence.TE) header.add_te_s(seconds(te));
    if (sequence.TR && !sequence.TR->empty()) header.set_tr_s(seconds(sequence.TR->front()));
    if (sequence.flipAngle_deg && !sequence.flipAngle_deg->empty())
      header.set_flip_angle_deg(sequence.flipAngle_deg->front());
  }
  auto const frequency = static_cast<double>(xml.experimentalConditions.H1resonanceFrequency_Hz);
  header.set_frequency_hz(frequency);
  header.set_b0_t(frequency / kHzPerTesla);
  if (xml.acquisitionSystemInformation) {
    auto const& system = *xml.acquisitionSystemInformation;
    if (system.systemFieldStrength_T)
      header.set_b0_t(std::round(static_cast<double>(*system.systemFieldStrength_T) * 1e6) * 1e-6);
    header.set_vendor(system.systemVendor.value_or(std::string()));
  }
  read_identity(xml, *header.mutable_identity());
  return header;
}

IsmrmrdHeader xml_header_of(qsm::v1::ExamHeader const& header) {
  IsmrmrdHeader xml;
  auto const& id = header.identity();
  auto const text = [](std::string const& from, Optional<std::string>& to) {
    if (!from.empty()) to = from;
  };
  SubjectInformation subject;
  text(id.patient_name(), subject.patientName);
  text(id.patient_id(), subject.patientID);
  text(id.patient_sex(), subject.patientGender);
  xml.subjectInformation = subject;
  StudyInformation study;
  text(id.study_instance_uid(), study.studyInstanceUID);
  text(id.study_description(), study.studyDescription);
  text(id.study_id(), study.studyID);
  xml.studyInformation = study;
  MeasurementInformation measurement;
  measurement.patientPosition = id.patient_position().empty() ? "HFS" : id.patient_position();
  text(id.protocol_name(), measurement.protocolName);
  text(id.frame_of_reference_uid(), measurement.frameOfReferenceUID);
  xml.measurementInformation = measurement;
  AcquisitionSystemInformation system;
  text(header.vendor(), system.systemVendor);
  text(id.manufacturer_model(), system.systemModel);
  system.systemFieldStrength_T = static_cast<float>(header.b0_t());
  system.receiverChannels = static_cast<unsigned short>(header.coils());
  xml.acquisitionSystemInformation = system;
  double const frequency =
      header.frequency_hz() > 0 ? header.frequency_hz() : header.b0_t() * kHzPerTesla;
  xml.experimentalConditions.H1resonanceFrequency_Hz = std::lround(frequency);

  auto const& matrix = header.geometry().matrix();
  auto const& voxel = header.geometry().voxel_mm();
  auto const space = [&](qsm::v1::Matrix const& n) {
    EncodingSpace result;
    result.matrixSize = {static_cast<unsigned short>(n.x()), static_cast<unsigned short>(n.y()),
                         static_cast<unsigned short>(n.z())};
    result.fieldOfView_mm = {static_cast<float>(n.x() * voxel.x()),
                             static_cast<float>(n.y() * voxel.y()),
                             static_cast<float>(n.z() * voxel.z())};
    return result;
  };
  auto const limit = [](std::uint32_t n) {
    return Limit(0, static_cast<unsigned short>(n - 1), static_cast<unsigned short>(n / 2));
  };
  Encoding encoding;
  encoding.trajectory = TrajectoryType::CARTESIAN;
  encoding.encodedSpace = space(header.encoded());
  encoding.reconSpace = space(matrix);
  encoding.encodingLimits.kspace_encoding_step_0 = limit(header.encoded().x());
  encoding.encodingLimits.kspace_encoding_step_1 = limit(header.encoded().y());
  encoding.encodingLimits.kspace_encoding_step_2 = limit(header.encoded().z());
  encoding.encodingLimits.contrast =
      Limit(0, static_cast<unsigned short>(std::max(header.te_s_size(), 1) - 1), 0);
  xml.encoding.push_back(encoding);

  SequenceParameters sequence;
  std::vector<float> te;
  for (double const t : header.te_s()) te.push_back(static_cast<float>(1e3 * t));
  sequence.TE = te;
  if (header.tr_s() > 0) sequence.TR = std::vector{static_cast<float>(1e3 * header.tr_s())};
  if (header.flip_angle_deg() > 0)
    sequence.flipAngle_deg = std::vector{static_cast<float>(header.flip_angle_deg())};
  xml.sequenceParameters = sequence;
  return xml;
}

namespace {

/// origin + sign * (vector from voxel (0,0,0) to voxel floor(N/2)).
qsm::v1::Vector3 shifted(qsm::v1::Geometry const& g, qsm::v1::Vector3 const& from, double sign) {
  double const i = sign * g.voxel_mm().x() * (g.matrix().x() / 2);
  double const j = sign * g.voxel_mm().y() * (g.matrix().y() / 2);
  double const k = sign * g.voxel_mm().z() * (g.matrix().z() / 2);
  auto const& x = g.x_direction_lps();
  auto const& y = g.y_direction_lps();
  auto const& z = g.z_direction_lps();
  qsm::v1::Vector3 result;
  result.set_x(from.x() + i * x.x() + j * y.x() + k * z.x());
  result.set_y(from.y() + i * x.y() + j * y.y() + k * z.y());
  result.set_z(from.z() + i * x.z() + j * y.z() + k * z.z());
  return result;
}

}  // namespace

qsm::v1::Vector3 centre_of(qsm::v1::Geometry const& geometry) {
  return shifted(geometry, geometry.origin_lps_mm(), 1);
}

void set_centre(qsm::v1::Geometry& geometry, qsm::v1::Vector3 const& centre) {
  *geometry.mutable_origin_lps_mm() = shifted(geometry, centre, -1);
}

}  // namespace chistream
