#include "formats/dicom/dicom_reader.hpp"

#include <dcmtk/dcmdata/dcfilefo.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <complex>
#include <cstdio>
#include <future>
#include <list>
#include <memory>
#include <numbers>
#include <thread>

#include "formats/dicom/instance.hpp"
#include "formats/dicom/phase_filter.hpp"
#include "formats/dicom/pixels.hpp"
#include "formats/dicom/plane.hpp"
#include "formats/format_error.hpp"
#include "formats/inspect.hpp"

namespace chistream::dicom {

namespace fs = std::filesystem;
using qsm::container::Component;

namespace {

constexpr std::size_t kHeldFiles = 4;  // multi-frame: magnitude and phase, perhaps one per echo

/// Decoded files, the last few kept open: all frames of a multi-frame image stand in one.
class OpenFiles {
 public:
  void read(SourceFile const& source, qsm::v1::DicomFrame const& frame, std::span<float> out) {
    pixels_of(source.path).read(frame.number(), frame.scale(), frame.offset(), out);
  }

 private:
  struct Open {
    fs::path path;
    std::unique_ptr<DcmFileFormat> file;
    std::unique_ptr<Pixels> pixels;
  };

  Pixels const& pixels_of(fs::path const& path) {
    auto const found = std::find_if(open_.begin(), open_.end(),
                                    [&](Open const& open) { return open.path == path; });
    if (found != open_.end()) return *found->pixels;
    if (open_.size() == kHeldFiles) open_.pop_back();
    open_.push_front({path, std::make_unique<DcmFileFormat>(), nullptr});
    load(path, *open_.front().file);
    decode(*open_.front().file);
    open_.front().pixels = std::make_unique<Pixels>(*open_.front().file);
    return *open_.front().pixels;
  }

  std::list<Open> open_;
};

/// The volumes of one echo: magnitude and phase, or real and imaginary.
struct EchoVolumes {
  std::vector<float> parts[2];
};

class Reader {
 public:
  explicit Reader(DicomExam const& exam)
      : exam_(exam),
        facts_(exam.files.front().facts),
        slice_size_(std::size_t{facts_.rows()} * facts_.columns()),
        // Parsing costs more than reading; a multi-frame file is better parsed once.
        files_(facts_.frames_size() > 1 ? 1
                                        : std::clamp(std::thread::hardware_concurrency(), 1U, 4U)) {
  }

  std::size_t slice_size() const { return slice_size_; }

  /// Into what an earlier call used: fresh memory costs as much as the reading.
  void read(std::size_t echo, EchoVolumes& volumes) {
    for (auto& part : volumes.parts) part.resize(slice_size_ * exam_.images.slices());
    std::atomic<std::size_t> next{0};
    std::vector<std::future<void>> readers;
    for (auto& files : files_)
      readers.push_back(std::async(std::launch::async, [&] {
        for (std::size_t image; (image = next++) < 2 * exam_.images.slices();)
          read_image(files, echo, image, volumes);
      }));
    for (auto& reader : readers) reader.wait();  // all of them, before one throws
    for (auto& reader : readers) reader.get();
  }

 private:
  void read_image(OpenFiles& files, std::size_t echo, std::size_t image,
                  EchoVolumes& volumes) const {
    std::size_t const part = image / exam_.images.slices(), z = image % exam_.images.slices();
    auto const ref = *exam_.images.at(echo, z, part);
    SourceFile const& source = exam_.files[ref.file];
    files.read(source, source.facts.frames(ref.frame),
               std::span(volumes.parts[part]).subspan(z * slice_size_, slice_size_));
  }

  DicomExam const& exam_;
  qsm::v1::DicomInstance const& facts_;
  std::size_t slice_size_;
  std::vector<OpenFiles> files_;  // one per thread
};

void put_geometry(DicomExam const& exam, qsm::v1::ExamHeader& header) {
  auto const& facts = exam.files.front().facts;
  auto& geometry = *header.mutable_geometry();
  geometry.mutable_matrix()->set_x(facts.columns());
  geometry.mutable_matrix()->set_y(facts.rows());
  geometry.mutable_matrix()->set_z(static_cast<std::uint32_t>(exam.images.slices()));
  geometry.mutable_voxel_mm()->set_x(facts.column_spacing_mm());
  geometry.mutable_voxel_mm()->set_y(facts.row_spacing_mm());
  geometry.mutable_voxel_mm()->set_z(exam.images.slice_spacing_mm());
  auto const axes = orientation_of(facts.orientation());
  *geometry.mutable_x_direction_lps() = to_message(axes.row);
  *geometry.mutable_y_direction_lps() = to_message(axes.column);
  *geometry.mutable_z_direction_lps() = to_message(axes.normal);
  *geometry.mutable_origin_lps_mm() = to_message(position_of(header.source_slices(0).position()));
  header.set_source_orientation(facts.orientation());
}

void put_sources(DicomExam const& exam, qsm::v1::ExamHeader& header) {
  for (auto const& uid : exam.series_uids) {
    auto& series = *header.add_source_series();
    series.set_series_instance_uid(uid);
    for (auto const& file : exam.files)
      if (file.facts.series_instance_uid() == uid)
        series.set_sop_class_uid(file.facts.sop_class_uid());
  }
  auto const& images = exam.images;
  for (std::size_t z = 0; z < images.slices(); ++z) {
    auto& slice = *header.add_source_slices();
    for (std::size_t echo = 0; echo < images.te_s().size(); ++echo)
      for (std::size_t part = 0; part < 2; ++part) {
        auto const ref = *images.at(echo, z, part);
        auto const& facts = exam.files[ref.file].facts;
        auto const series = std::find(exam.series_uids.begin(), exam.series_uids.end(),
                                      facts.series_instance_uid());
        auto& image = *slice.add_images();
        image.set_series(static_cast<std::uint32_t>(series - exam.series_uids.begin()));
        image.set_sop_instance_uid(facts.sop_instance_uid());
        bool const multi_frame = facts.frames_size() > 1;
        image.set_frame(multi_frame ? facts.frames(ref.frame).number() + 1 : 0);
        if (slice.position().empty()) slice.set_position(facts.frames(ref.frame).position());
      }
  }
}

qsm::v1::ExamHeader header_of(DicomExam const& exam, ReadOptions const& options) {
  // The first magnitude (or real) image stands for the exam.
  auto const& facts = exam.files[exam.images.at(0, 0, 0)->file].facts;
  qsm::v1::ExamHeader header;
  header.set_format_version(1);
  header.set_content(qsm::v1::CONTENT_KIND_IMAGES);
  header.set_coils(1);
  for (double const te : exam.images.te_s()) header.add_te_s(te);
  header.set_tr_s(facts.tr_s());
  header.set_flip_angle_deg(facts.flip_angle_deg());
  header.set_b0_t(facts.b0_t());
  header.set_frequency_hz(facts.frequency_hz());
  header.set_phase_sign(options.phase_sign.value_or(facts.phase_sign()));
  header.set_records(exam.images.te_s().size() * (exam.images.complex() ? 1 : 2));
  header.set_source_format("dicom");
  header.set_vendor(facts.vendor());
  *header.mutable_identity() = facts.identity();
  put_sources(exam, header);
  put_geometry(exam, header);
  if (header.phase_sign() < 0)
    header.add_warnings(options.phase_sign
                            ? "PHASE_SIGN: the phase was inverted on request"
                            : "PHASE_SIGN: the phase was inverted, by the convention of " +
                                  facts.vendor());
  return header;
}

std::complex<double> voxel(bool complex, float a, float b) {
  return complex ? std::complex<double>(a, b) : std::polar(std::abs(double{a}), double{b});
}

/// Re sum over k of <S_k, S_k+1>, negative where every other slice is negated.
bool neighbours_opposed(bool complex, EchoVolumes const& volumes, std::size_t slice_size) {
  auto const& [a, b] = volumes.parts;
  double sum = 0;
  for (std::size_t i = 0; i + slice_size < a.size(); ++i) {
    auto const here = voxel(complex, a[i], b[i]);
    auto const next = voxel(complex, a[i + slice_size], b[i + slice_size]);
    sum += (here * std::conj(next)).real();
  }
  return sum < 0;
}

void undo_chopping(bool complex, EchoVolumes& volumes, std::size_t slice_size) {
  constexpr float kPi = std::numbers::pi_v<float>;
  auto& [a, b] = volumes.parts;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (i / slice_size % 2 == 0) continue;
    if (complex) {
      a[i] = -a[i];
      b[i] = -b[i];
    } else {
      b[i] += b[i] > 0 ? -kPi : kPi;
    }
  }
}

/// Filtered phase gives a map that looks plausible and is wrong. Answers a warning, or nothing.
std::vector<std::string> check_unfiltered(DicomExam const& exam, bool complex,
                                          EchoVolumes const& last, double b0_t) {
  constexpr double kFiltered = 0.8, kSuspect = 0.6;
  constexpr double kLongEcho_Ts = 0.02;  // echo time x field: phase has had time to turn
  auto const& facts = exam.files.front().facts;
  double const coherence =
      phase_coherence({last.parts[0], last.parts[1], complex, facts.columns(), facts.rows()});
  char value[16];
  std::snprintf(value, sizeof(value), "%.2f", coherence);
  bool const long_echo = exam.images.te_s().back() * b0_t >= kLongEcho_Ts;
  if (coherence > kFiltered && long_echo)
    throw FormatError("FILTERED_PHASE",
                      std::string("the phase of the last echo is the same everywhere (coherence ") +
                          value + "): it was high-pass filtered",
                      "send the phase as reconstructed, without SWI processing");
  if (coherence <= kSuspect) return {};
  return {std::string("PHASE_MAY_BE_FILTERED: the phase of the last echo hardly varies "
                      "over the image (coherence ") +
          value + ")"};
}

}  // namespace

FolderContents scan_folder(fs::path const& folder) {
  register_codecs();
  std::error_code error;
  fs::recursive_directory_iterator entries(folder, error);
  if (error) throw FormatError("FILE_UNREADABLE", "the folder cannot be read: " + error.message());
  std::vector<fs::path> paths;
  for (auto const& entry : entries)
    if (entry.is_regular_file()) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  FolderContents contents;
  for (auto const& path : paths) {
    try {
      contents.files.push_back({path, describe(path)});
    } catch (FormatError const& reason) {
      contents.others.push_back(path.filename().string() + ": " + reason.what());
    }
  }
  return contents;
}

DicomExam only_exam(FolderContents const& contents) {
  auto exams = sort_into_exams(contents.files);
  if (exams.empty())
    throw FormatError("NO_DICOM_EXAM",
                      "there are no magnitude and phase images among " +
                          std::to_string(contents.files.size()) + " MR instances" +
                          (contents.others.empty() ? "" : "; " + contents.others.front()));
  auto const ready =
      std::count_if(exams.begin(), exams.end(), [](DicomExam const& exam) { return exam.ready(); });
  if (ready > 1) {
    std::string names;
    for (auto const& exam : exams)
      if (exam.ready())
        names += (names.empty() ? "" : ", ") + std::string("series ") +
                 std::to_string(exam.files.front().facts.series_number());
    throw FormatError("SEVERAL_DICOM_EXAMS", "there are several exams: " + names,
                      "give a folder that holds one");
  }
  auto const chosen = std::find_if(exams.begin(), exams.end(),
                                   [&](auto const& exam) { return ready == 0 || exam.ready(); });
  if (chosen->refusal) throw FormatError(chosen->refusal->reason, chosen->refusal->message);
  if (!chosen->missing.empty()) throw FormatError("IMAGES_MISSING", chosen->missing_text());
  return std::move(*chosen);
}

void read_dicom(DicomExam const& exam, ReadOptions const& options, ContainerWriter& out) {
  register_codecs();
  qsm::v1::ExamHeader header = header_of(exam, options);
  check_header(header);
  Reader reader(exam);
  bool const complex = exam.images.complex();
  EchoVolumes volumes;
  bool chopped = options.chopped.value_or(false);
  if (!options.chopped && header.vendor() == "ge") {
    reader.read(0, volumes);
    chopped = neighbours_opposed(complex, volumes, reader.slice_size());
  }
  if (chopped)
    header.add_warnings("SLICE_CHOPPING: the sign of every other slice was inverted back");
  out.header(header);  // at once: whoever sends the container on can begin

  auto const& matrix = header.geometry().matrix();
  auto const echoes = static_cast<std::uint32_t>(exam.images.te_s().size());
  std::vector<std::complex<float>> joined;
  std::vector<std::string> warnings;
  for (std::uint32_t echo = 0; echo < echoes; ++echo) {
    reader.read(echo, volumes);
    if (chopped) undo_chopping(complex, volumes, reader.slice_size());
    if (echo + 1 == echoes) warnings = check_unfiltered(exam, complex, volumes, header.b0_t());
    auto const& [a, b] = volumes.parts;
    auto const head = [&](Component component) {
      return qsm::container::ImageBlockHead{
          echo, 0, static_cast<std::uint32_t>(component), matrix.x(), matrix.y(), matrix.z()};
    };
    if (complex) {
      joined.resize(a.size());
      for (std::size_t i = 0; i < a.size(); ++i) joined[i] = {a[i], b[i]};
      out.image_block(head(Component::kComplex), joined);
    } else {
      out.image_block(head(Component::kMagnitude), a);
      out.image_block(head(Component::kPhase), b);
    }
  }
  out.end(warnings);
}

}  // namespace chistream::dicom
