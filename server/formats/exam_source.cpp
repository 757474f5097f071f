#include "formats/exam_source.hpp"

#include "formats/bids.hpp"
#include "formats/container_reader.hpp"
#include "formats/dicom/dicom_reader.hpp"
#include "formats/format_error.hpp"
#include "formats/ismrmrd/ismrmrd_reader.hpp"

namespace chistream {

namespace fs = std::filesystem;

namespace {

ImageFiles bids_with(fs::path const& folder, ImageFiles const& given) {
  ImageFiles files = find_bids_series(folder);
  if (!given.te_s.empty()) files.te_s = given.te_s;
  if (given.b0_t != 0) files.b0_t = given.b0_t;
  if (given.frequency_hz != 0) files.frequency_hz = given.frequency_hz;
  if (given.phase_units != PhaseUnits::kAuto) files.phase_units = given.phase_units;
  if (given.b0_direction) files.b0_direction = given.b0_direction;
  files.phase_sign = given.phase_sign;
  files.phase_difference = given.phase_difference;
  return files;
}

void copy_container(fs::path const& path, ContainerWriter& out) {
  ContainerReader const in(path);
  out.header(in.header());
  std::vector<std::complex<float>> samples;
  for (auto const& record : in.acquisitions()) {
    samples.resize(in.body(record).size() / sizeof(samples[0]));
    in.read(record, samples);
    out.acquisition(record.head, samples);
  }
  std::vector<float> volume;
  for (auto const& record : in.image_blocks()) {
    if (static_cast<qsm::container::Component>(record.head.component) ==
        qsm::container::Component::kComplex) {
      samples.resize(in.body(record).size() / sizeof(samples[0]));
      in.read(record, samples);
      out.image_block(record.head, samples);
    } else {
      volume.resize(in.body(record).size() / sizeof(volume[0]));
      in.read(record, volume);
      out.image_block(record.head, volume);
    }
  }
  out.end();
}

}  // namespace

bool is_ismrmrd(fs::path const& path) {
  auto const extension = path.extension();
  return extension == ".h5" || extension == ".hdf5" || extension == ".mrd";
}

void write_exam(ExamSource const& source, ContainerWriter& out) {
  if (source.input.empty()) return read_images(source.images, out);
  std::error_code error;
  if (fs::is_directory(source.input, error)) {
    if (holds_bids_images(source.input))
      return read_images(bids_with(source.input, source.images), out);
    auto const exam = dicom::only_exam(dicom::scan_folder(source.input));
    return dicom::read_dicom(
        exam, {.phase_sign = source.images.phase_sign, .chopped = source.slices_chopped}, out);
  }
  if (!fs::exists(source.input, error))
    throw FormatError("FILE_UNREADABLE", "there is no such file: " + source.input.string());
  auto const extension = source.input.extension();
  if (is_ismrmrd(source.input)) return read_ismrmrd(source.input, source.noise, out);
  if (extension == ".qsmexam") return copy_container(source.input, out);
  throw FormatError("UNKNOWN_FORMAT", "the format of *" + extension.string() + " is not known",
                    "give an ISMRMRD file (.h5), a .qsmexam container, a BIDS or DICOM folder, or "
                    "NIfTI images by --magnitude and --phase");
}

}  // namespace chistream
