#include "formats/dicom/assembly.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <set>
#include <tuple>

#include "formats/dicom/plane.hpp"
#include "formats/format_error.hpp"

namespace chistream::dicom {

namespace {

using qsm::v1::DicomInstance;
using qsm::v1::ImagePart;

bool has_part(DicomInstance const& instance, ImagePart part) {
  return std::any_of(instance.frames().begin(), instance.frames().end(),
                     [&](auto const& frame) { return frame.part() == part; });
}

bool useful(DicomInstance const& instance) {
  return !std::all_of(instance.frames().begin(), instance.frames().end(), [](auto const& frame) {
    return frame.part() == qsm::v1::IMAGE_PART_UNSPECIFIED;
  });
}

std::int64_t rounded(double value, double step) {
  return std::llround(value / step);
}

/// What all images of one exam share. Directions are compared after rounding to 1e-3.
using Grid = std::tuple<std::string, std::string, std::string, std::vector<std::int64_t>>;

Grid grid_of(DicomInstance const& i) {
  auto const axes = orientation_of(i.orientation());
  std::vector<std::int64_t> shape{i.rows(), i.columns(), rounded(i.row_spacing_mm(), 1e-3),
                                  rounded(i.column_spacing_mm(), 1e-3),
                                  rounded(i.slice_thickness_mm(), 1e-2)};
  for (Vector const& axis : {axes.row, axes.column})
    for (double const component : axis) shape.push_back(rounded(component, 1e-3));
  return {i.identity().study_instance_uid(), i.identity().frame_of_reference_uid(), i.vendor(),
          std::move(shape)};
}

/// The images of one series on one grid, and which parts they are.
struct Series {
  std::uint32_t number = 0;
  std::string uid;
  bool distortion_corrected = false;
  std::set<double> acquired_s;  // when, where the images say so
  std::set<int> parts;
  std::vector<SourceFile> files;

  bool whole() const {
    return (has(qsm::v1::IMAGE_PART_MAGNITUDE) && has(qsm::v1::IMAGE_PART_PHASE)) ||
           (has(qsm::v1::IMAGE_PART_REAL) && has(qsm::v1::IMAGE_PART_IMAGINARY));
  }
  bool has(ImagePart part) const { return parts.contains(part); }
};

/// Days do not matter to what is compared here, but midnight does.
std::optional<double> acquisition_time_s(qsm::v1::Identity const& id) {
  int hours = 0, minutes = 0, day = 0;
  double whole_seconds = 0;
  if (std::sscanf(id.acquisition_time().c_str(), "%2d%2d%lf", &hours, &minutes, &whole_seconds) !=
      3)
    return std::nullopt;
  std::sscanf(id.acquisition_date().c_str(), "%*6d%2d", &day);
  return 86400.0 * day + 3600.0 * hours + 60.0 * minutes + whole_seconds;
}

/// Parts of one scan were acquired together. Two scans of one protocol, sent by halves, must not
/// become one map: they lie minutes apart.
bool acquired_together(Series const& a, Series const& b) {
  constexpr double kApart_s = 30;
  if (a.acquired_s.empty() || b.acquired_s.empty()) return true;
  return std::any_of(a.acquired_s.begin(), a.acquired_s.end(), [&](double time) {
    auto const near = b.acquired_s.lower_bound(time - kApart_s);
    return near != b.acquired_s.end() && *near <= time + kApart_s;
  });
}

/// Series of one grid, each whole in itself or joined with one that has what it lacks and was
/// acquired with it: the nearest by number, an earlier one first, and with the same distortion
/// correction if there is one.
std::vector<std::vector<Series>> pair_up(std::vector<Series> series) {
  std::sort(series.begin(), series.end(), [](Series const& a, Series const& b) {
    return std::tie(a.number, a.uid) < std::tie(b.number, b.uid);
  });
  std::vector<std::vector<Series>> acquisitions;
  auto const fits = [](std::vector<Series> const& acquisition, Series const& other, bool alike) {
    if (acquisition.size() != 1 || acquisition[0].whole()) return false;
    if (!acquired_together(acquisition[0], other)) return false;
    Series both = acquisition[0];
    both.parts.insert(other.parts.begin(), other.parts.end());
    return both.whole() && !other.whole() &&
           (!alike || both.distortion_corrected == other.distortion_corrected);
  };
  for (Series& one : series) {
    auto const join = [&](bool alike) {
      auto const found = std::find_if(acquisitions.rbegin(), acquisitions.rend(),
                                      [&](auto const& a) { return fits(a, one, alike); });
      if (found == acquisitions.rend()) return false;
      found->push_back(std::move(one));
      return true;
    };
    if (!join(true) && !join(false)) acquisitions.push_back({std::move(one)});
  }
  return acquisitions;
}

std::string list_of(std::vector<std::size_t> const& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i;
    while (end + 1 < numbers.size() && numbers[end + 1] == numbers[end] + 1) ++end;
    if (!text.empty()) text += ", ";
    text += std::to_string(numbers[i] + 1);
    if (end > i) text += (end == i + 1 ? ", " : " to ") + std::to_string(numbers[end] + 1);
    i = end + 1;
  }
  return (numbers.size() == 1 ? "slice " : "slices ") + text;
}

std::string milliseconds(double te_s) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g ms", 1e3 * te_s);
  return text;
}

}  // namespace

FrameRef const* ExamImages::at(std::size_t echo, std::size_t slice, std::size_t part) const {
  auto const found = cells_.find({echo, slice, part});
  return found == cells_.end() ? nullptr : &found->second;
}

std::string DicomExam::missing_text() const {
  std::string list;
  for (auto const& what : missing) list += (list.empty() ? "" : "; ") + what;
  return list;
}

/// Lays the images of one acquisition out, and finds what is missing or contradictory.
class Sorter {
 public:
  explicit Sorter(std::vector<Series> const& acquisition) : series_(acquisition) {}

  DicomExam run() {
    for (Series const& one : series_) {
      exam_.series_uids.push_back(one.uid);
      exam_.files.insert(exam_.files.end(), one.files.begin(), one.files.end());
    }
    std::sort(exam_.files.begin(), exam_.files.end(), [](auto const& a, auto const& b) {
      return a.facts.sop_instance_uid() < b.facts.sop_instance_uid();
    });
    // Real or imaginary images alone are a complex exam that lacks the other part.
    bool const polar = has_any(qsm::v1::IMAGE_PART_MAGNITUDE) || has_any(qsm::v1::IMAGE_PART_PHASE);
    exam_.images.complex_ =
        !polar || (has_any(qsm::v1::IMAGE_PART_REAL) && has_any(qsm::v1::IMAGE_PART_IMAGINARY));
    axes();
    refuse_by_facts();
    if (!exam_.refusal) fill();
    if (!exam_.refusal) find_missing();
    return std::move(exam_);
  }

 private:
  template <class Function>
  void for_each_frame(Function const& fn) {
    for (std::size_t file = 0; file < exam_.files.size(); ++file) {
      auto const& frames = exam_.files[file].facts.frames();
      for (int i = 0; i < frames.size(); ++i)
        if (auto const part = part_index(frames[i].part()); part < 2) fn(FrameRef{file, i}, part);
    }
  }

  /// 0 or 1 in the exam's own pair of parts; 2 for what it does not use.
  std::size_t part_index(ImagePart part) const {
    ImagePart const first =
        exam_.images.complex_ ? qsm::v1::IMAGE_PART_REAL : qsm::v1::IMAGE_PART_MAGNITUDE;
    if (part == first) return 0;
    return part == first + 1 ? 1 : 2;
  }

  bool has_any(ImagePart part) const {
    return std::any_of(exam_.files.begin(), exam_.files.end(),
                       [&](auto const& file) { return has_part(file.facts, part); });
  }

  qsm::v1::DicomFrame const& frame(FrameRef ref) const {
    return exam_.files[ref.file].facts.frames(ref.frame);
  }

  double height(FrameRef ref) const { return dot(position_of(frame(ref).position()), normal_); }

  void refuse(std::string reason, std::string message) {
    if (!exam_.refusal) exam_.refusal = Refusal{std::move(reason), std::move(message)};
  }

  void refuse_by_facts() {
    auto const& first = exam_.files.front().facts.identity();
    for (auto const& file : exam_.files) {
      auto const& id = file.facts.identity();
      if (id.patient_id() != first.patient_id() || id.patient_name() != first.patient_name() ||
          id.patient_birth_date() != first.patient_birth_date())
        refuse("MIXED_PATIENTS", "images of one study name different patients");
      if (file.facts.filtered())
        refuse("FILTERED_PHASE", "the images say that their phase is filtered",
               "send the phase as reconstructed, without SWI processing");
    }
    if (series_.size() == 2 && series_[0].distortion_corrected != series_[1].distortion_corrected)
      refuse("DISTORTION_MISMATCH",
             "one of magnitude and phase is corrected for distortion, the other is not");
  }

  void refuse(std::string reason, std::string const& message, std::string const& hint) {
    refuse(std::move(reason), message + "; " + hint);
  }

  /// Echo times and slice positions that occur, values closer than rounding being one.
  void axes() {
    normal_ = orientation_of(exam_.files.front().facts.orientation()).normal;
    std::vector<double> heights;
    auto& te = exam_.images.te_s_;
    for_each_frame([&](FrameRef ref, std::size_t) {
      te.push_back(frame(ref).te_s());
      heights.push_back(height(ref));
    });
    distinct(te, kSameEcho_s);
    distinct(heights, kSamePlace_mm);
    exam_.images.positions_ = std::move(heights);
  }

  static void distinct(std::vector<double>& values, double tolerance) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end(),
                             [&](double a, double b) { return b - a < tolerance; }),
                 values.end());
  }

  static std::size_t nearest(std::vector<double> const& values, double value) {
    auto const after = std::lower_bound(values.begin(), values.end(), value);
    if (after == values.begin()) return 0;
    auto const before = after - 1;
    bool const take_after = after != values.end() && *after - value < value - *before;
    return static_cast<std::size_t>((take_after ? after : before) - values.begin());
  }

  void fill() {
    auto& images = exam_.images;
    for_each_frame([&](FrameRef ref, std::size_t part) {
      auto const echo = nearest(images.te_s_, frame(ref).te_s());
      auto const slice = nearest(images.positions_, height(ref));
      auto const [at, is_new] = images.cells_.try_emplace({echo, slice, part}, ref);
      if (is_new || exam_.refusal) return;
      auto const& facts = exam_.files[ref.file].facts;
      bool const numbered = frame(ref).echo_number() != frame(at->second).echo_number();
      if (numbered || facts.declared_echoes() > images.te_s_.size())
        refuse("ECHO_TIMES_EQUAL", "several echoes are said to have the same echo time, " +
                                       milliseconds(frame(ref).te_s()));
      else
        refuse("DUPLICATE_IMAGES", "there are several images of echo " + std::to_string(echo + 1) +
                                       ", slice " + std::to_string(slice + 1) +
                                       "; repeated measurements are not supported");
    });
    even_spacing();
  }

  /// Slices stand at even distances; where a distance is a multiple, slices in between are missing
  /// and get their places.
  void even_spacing() {
    auto& images = exam_.images;
    auto& places = images.positions_;
    images.spacing_mm_ = exam_.files.front().facts.slice_thickness_mm();
    if (places.size() < 2) return;
    double step = places[1] - places[0];
    for (std::size_t i = 1; i < places.size(); ++i)
      step = std::min(step, places[i] - places[i - 1]);
    auto const slots =
        static_cast<std::size_t>(std::llround((places.back() - places[0]) / step)) + 1;
    if (slots > 4096) return refuse("SLICES_IRREGULAR", "the slices lie at uneven distances");
    step = (places.back() - places[0]) / static_cast<double>(slots - 1);
    std::vector<double> even(slots);
    for (std::size_t i = 0; i < slots; ++i) even[i] = places[0] + static_cast<double>(i) * step;
    std::map<std::array<std::size_t, 3>, FrameRef> moved;
    for (auto const& [cell, ref] : images.cells_) {
      std::size_t const slice = nearest(even, places[cell[1]]);
      if (std::abs(even[slice] - places[cell[1]]) > kEvenness * step)
        return refuse("SLICES_IRREGULAR", "the slices lie at uneven distances");
      moved.emplace(std::array{cell[0], slice, cell[2]}, ref);
    }
    images.cells_ = std::move(moved);
    places = std::move(even);
    images.spacing_mm_ = step;
  }

  void find_missing() {
    auto const& images = exam_.images;
    std::size_t echoes = images.te_s_.size();
    std::size_t slices = images.slices();
    std::uint32_t declared_echoes = 0, declared_slices = 0;
    for (auto const& file : exam_.files) {
      declared_echoes = std::max(declared_echoes, file.facts.declared_echoes());
      declared_slices = std::max(declared_slices, file.facts.declared_slices());
    }
    exam_.counted = declared_echoes > 0 && declared_slices > 0;
    char const* const names[] = {images.complex_ ? "real part" : "magnitude",
                                 images.complex_ ? "imaginary part" : "phase"};
    for (std::size_t part = 0; part < 2; ++part) {
      for (std::size_t echo = 0; echo < echoes; ++echo) {
        std::vector<std::size_t> absent;
        for (std::size_t slice = 0; slice < slices; ++slice)
          if (!images.at(echo, slice, part)) absent.push_back(slice);
        if (absent.empty()) continue;
        exam_.missing.push_back(std::string(names[part]) + ", echo " + std::to_string(echo + 1) +
                                " (" + milliseconds(images.te_s_[echo]) +
                                "): " + (absent.size() == slices ? "all slices" : list_of(absent)));
      }
    }
    if (declared_echoes > echoes)
      exam_.missing.push_back(std::to_string(declared_echoes - echoes) + " of " +
                              std::to_string(declared_echoes) + " echoes");
    if (declared_slices > slices)
      exam_.missing.push_back(std::to_string(declared_slices - slices) + " of " +
                              std::to_string(declared_slices) + " slices");
  }

  static constexpr double kSameEcho_s = 2e-6;
  static constexpr double kSamePlace_mm = 0.01;
  static constexpr double kEvenness = 0.05;  // of the distance between slices

  std::vector<Series> const& series_;
  DicomExam exam_;
  Vector normal_{};
};

std::vector<DicomExam> sort_into_exams(std::span<SourceFile const> files) {
  std::map<Grid, std::map<std::string, Series>> grids;
  for (SourceFile const& file : files) {
    if (!useful(file.facts)) continue;
    Series& series = grids[grid_of(file.facts)][file.facts.series_instance_uid()];
    series.uid = file.facts.series_instance_uid();
    series.number = file.facts.series_number();
    series.distortion_corrected = file.facts.distortion_corrected();
    if (auto const time = acquisition_time_s(file.facts.identity()))
      series.acquired_s.insert(*time);
    for (auto const& frame : file.facts.frames()) series.parts.insert(frame.part());
    series.files.push_back(file);
  }
  std::vector<DicomExam> exams;
  for (auto& [grid, by_uid] : grids) {
    std::vector<Series> all;
    for (auto& [uid, series] : by_uid) all.push_back(std::move(series));
    for (auto const& acquisition : pair_up(std::move(all)))
      exams.push_back(Sorter(acquisition).run());
  }
  return exams;
}

}  // namespace chistream::dicom
