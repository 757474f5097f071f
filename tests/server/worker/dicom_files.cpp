#include "server/worker/dicom_files.hpp"

#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dctk.h>
#include <stdlib.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace chistream::test {

namespace {

void set(qsm::v1::Vector3& v, std::array<double, 3> a) {
  v.set_x(a[0]);
  v.set_y(a[1]);
  v.set_z(a[2]);
}

void parse(DcmFileFormat& file, std::string const& bytes) {
  DcmInputBufferStream stream;
  stream.setBuffer(bytes.data(), static_cast<offile_off_t>(bytes.size()));
  stream.setEos();
  file.transferInit();
  if (file.read(stream).bad()) throw std::runtime_error("not a DICOM file");
  file.transferEnd();
}

std::vector<double> numbers(DcmDataset& data, DcmTagKey const& tag, unsigned long count) {
  std::vector<double> values(count);
  for (unsigned long i = 0; i < count; ++i)
    if (data.findAndGetFloat64(tag, values[i], i).bad())
      throw std::runtime_error("an attribute is missing");
  return values;
}

}  // namespace

qsm::v1::Geometry odd_geometry(std::array<double, 3> x, std::array<double, 3> y,
                               std::array<double, 3> z) {
  qsm::v1::Geometry g;
  g.mutable_matrix()->set_x(7);
  g.mutable_matrix()->set_y(5);
  g.mutable_matrix()->set_z(6);
  set(*g.mutable_voxel_mm(), {0.9, 1.1, 1.7});
  set(*g.mutable_origin_lps_mm(), {-31.4159265358979, 27.1828182845905, -141.421356237310});
  set(*g.mutable_x_direction_lps(), x);
  set(*g.mutable_y_direction_lps(), y);
  set(*g.mutable_z_direction_lps(), z);
  return g;
}

SeriesDescription series_of(qsm::v1::Geometry const& geometry) {
  SeriesDescription series;
  *series.exam.mutable_geometry() = geometry;
  for (double const te : {0.004, 0.008, 0.0123}) series.exam.add_te_s(te);
  series.exam.set_tr_s(0.035);
  series.exam.set_flip_angle_deg(15);
  series.exam.set_b0_t(3);
  series.exam.set_frequency_hz(123.2e6);
  auto& id = *series.exam.mutable_identity();
  id.set_patient_name("Doe^Jane");
  id.set_patient_id("P-1");
  id.set_series_number(7);
  id.set_manufacturer("ACME");
  id.set_study_date("20240102");
  series.provenance = {std::string(64, 'a'), "job-1", "brain-3t@1", std::string(64, 'b')};
  series.created_at_unix_s = 1704164645;  // 2024-01-02 03:04:05 UTC
  series.software_version = "0.1.0";
  series.reference = "brain";
  series.derivation = "V-SHARP, nonlinear TV";
  return series;
}

std::vector<DicomInstance> write_all(SeriesDescription const& series,
                                     std::vector<float> const& chi_ppm, std::uint64_t* saturated) {
  std::vector<DicomInstance> all;
  auto const count =
      write_dicom_series(series, chi_ppm, [&](DicomInstance const& one) { all.push_back(one); });
  if (saturated) *saturated = count;
  return all;
}

PlacedValues placed(std::vector<DicomInstance> const& instances) {
  PlacedValues values;
  for (auto const& instance : instances) {
    DcmFileFormat file;
    parse(file, instance.bytes);
    auto& data = *file.getDataset();
    auto const position = numbers(data, DCM_ImagePositionPatient, 3);
    auto const axes = numbers(data, DCM_ImageOrientationPatient, 6);
    auto const spacing = numbers(data, DCM_PixelSpacing, 2);
    double const slope = numbers(data, DCM_RescaleSlope, 1)[0];
    Uint16 rows = 0, columns = 0;
    data.findAndGetUint16(DCM_Rows, rows);
    data.findAndGetUint16(DCM_Columns, columns);
    Uint16 const* pixels = nullptr;
    data.findAndGetUint16Array(DCM_PixelData, pixels);
    for (unsigned row = 0; row < rows; ++row)
      for (unsigned column = 0; column < columns; ++column) {
        std::array<long long, 3> where;
        for (std::size_t a = 0; a < 3; ++a)
          where[a] = std::llround(
              1e3 * (position[a] + axes[a] * spacing[1] * column + axes[3 + a] * spacing[0] * row));
        auto const stored = static_cast<std::int16_t>(pixels[row * columns + column]);
        values[where] = slope * stored;
      }
  }
  return values;
}

std::string attribute(DicomInstance const& instance, std::string const& name) {
  DcmFileFormat file;
  parse(file, instance.bytes);
  DcmTag tag;
  if (DcmTag::findTagFromName(name.c_str(), tag).bad()) throw std::runtime_error("no such name");
  OFString value;
  file.getDataset()->findAndGetOFStringArray(tag, value, OFTrue);
  return {value.data(), value.size()};
}

SeriesFolder::SeriesFolder(std::vector<DicomInstance> const& instances) {
  std::string name = (std::filesystem::temp_directory_path() / "dicom_seriesXXXXXX").string();
  if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
  folder_ = name;
  for (auto const& instance : instances) {
    files_.push_back(folder_ / std::filesystem::path(instance.name).filename());
    std::ofstream(files_.back(), std::ios::binary) << instance.bytes;
  }
}

SeriesFolder::~SeriesFolder() {
  std::filesystem::remove_all(folder_);
}

std::string SeriesFolder::quoted_files() const {
  std::string all;
  for (auto const& file : files_) all += " '" + file.string() + "'";
  return all;
}

std::string output_of(std::string const& command) {
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe) throw std::runtime_error("cannot run a command");
  std::string output;
  char buffer[4096];
  while (std::size_t const n = std::fread(buffer, 1, sizeof(buffer), pipe))
    output.append(buffer, n);
  pclose(pipe);
  return output;
}

}  // namespace chistream::test
