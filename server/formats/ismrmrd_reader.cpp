#include "formats/ismrmrd_reader.hpp"

#include <ismrmrd/xml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "formats/acquisitions.hpp"
#include "formats/format_error.hpp"
#include "formats/inspect.hpp"
#include "formats/ismrmrd_lines.hpp"
#include "formats/ismrmrd_noise.hpp"
#include "formats/ismrmrd_xml.hpp"

namespace chistream {

using ISMRMRD::ISMRMRD_AcquisitionHeader;

namespace {

LinePlacement placement_of(ISMRMRD::Encoding const& encoding, qsm::v1::Matrix const& encoded) {
  auto const centre = [](ISMRMRD::Optional<ISMRMRD::Limit> const& limit, std::uint32_t size) {
    return limit ? std::uint32_t{limit->center} : size / 2;
  };
  return {encoded, centre(encoding.encodingLimits.kspace_encoding_step_1, encoded.y()),
          centre(encoding.encodingLimits.kspace_encoding_step_2, encoded.z())};
}

/// By bytes: the members of ISMRMRD's packed structures lie at any even address.
std::array<float, 3> triple(void const* from) {
  std::array<float, 3> values;
  std::memcpy(values.data(), from, sizeof(values));
  return values;
}

/// What all acquisition headers together say about the exam.
class Survey {
 public:
  explicit Survey(LinePlacement const& placement) : placement_(placement) {}

  /// `at`: which acquisition of the file it is.
  void add(std::uint64_t at, ISMRMRD_AcquisitionHeader const& head) {
    if (char const* kind = not_imaging(head)) {
      if (is_noise(head))
        noise_.push_back({at, head});
      else
        ++skipped_[kind];
      return;
    }
    check_counters(head);
    if (!first_) first_ = head;
    check_same(head);
    placement_.place(head);
    std::uint32_t const covered = placement_.covered(head);
    if (covered == 0)
      throw FormatError("SAMPLES_MISMATCH", "acquisition " + std::to_string(at) + " of " +
                                                std::to_string(head.number_of_samples) +
                                                " samples has none inside the encoded matrix");
    shortest_ = std::min(shortest_, covered);
    largest_ = std::max<std::uint64_t>(
        largest_, sizeof(std::complex<float>) * head.number_of_samples * head.active_channels);
    (is_reversed(head) ? reversed_ : forward_).insert(head.idx.contrast);
    ++lines_;
  }

  std::uint64_t largest_line() const { return largest_; }  // bytes
  ISMRMRD_AcquisitionHeader const& first() const { return *first_; }

  std::vector<NoiseLine> const& noise() const { return noise_; }

  void complete(qsm::v1::ExamHeader& header) const {
    if (!first_) throw FormatError("NO_IMAGING_LINES", "no acquisition holds image data");
    std::set<std::uint32_t> echoes = forward_;
    echoes.insert(reversed_.begin(), reversed_.end());
    auto const te = static_cast<std::size_t>(header.te_s_size());
    if (echoes.size() != te || *echoes.rbegin() + 1 != te)
      throw FormatError("ECHO_COUNT_MISMATCH", "lines of " + std::to_string(echoes.size()) +
                                                   " contrasts for " + std::to_string(te) +
                                                   " echo times");
    header.set_coils(first_->active_channels);
    header.set_records(lines_);
    set_axes(*header.mutable_geometry());
    add_warnings(header);
  }

 private:
  /// Whether the even echoes, and they alone, are read out against the odd ones.
  bool alternates() const {
    auto const parity = [](std::set<std::uint32_t> const& contrasts, std::uint32_t of) {
      return std::all_of(contrasts.begin(), contrasts.end(),
                         [=](std::uint32_t c) { return c % 2 == of; });
    };
    if (reversed_.empty() || forward_.empty()) return false;
    std::uint32_t const first = *forward_.begin() % 2;
    return parity(forward_, first) && parity(reversed_, 1 - first);
  }

  static void check_counters(ISMRMRD_AcquisitionHeader const& head) {
    auto const refuse_above_zero = [](char const* reason, char const* what, unsigned value) {
      if (value > 0)
        throw FormatError(reason, std::string("an acquisition belongs to ") + what + " " +
                                      std::to_string(value + 1) + "; one is supported");
    };
    refuse_above_zero("ENCODINGS_UNSUPPORTED", "encoding", head.encoding_space_ref);
    refuse_above_zero("SLICES_UNSUPPORTED", "slice", head.idx.slice);
    refuse_above_zero("REPETITIONS_UNSUPPORTED", "repetition", head.idx.repetition);
    refuse_above_zero("REPETITIONS_UNSUPPORTED", "phase", head.idx.phase);
    refuse_above_zero("REPETITIONS_UNSUPPORTED", "set", head.idx.set);
  }

  void check_same(ISMRMRD_AcquisitionHeader const& head) const {
    if (head.active_channels != first_->active_channels)
      throw FormatError("COIL_COUNT_MISMATCH",
                        "acquisitions of " + std::to_string(first_->active_channels) + " and of " +
                            std::to_string(head.active_channels) + " channels");
    auto const differ = [](void const* a, void const* b, float tolerance) {
      auto const u = triple(a);
      auto const v = triple(b);
      return !std::equal(u.begin(), u.end(), v.begin(),
                         [&](float x, float y) { return std::abs(x - y) <= tolerance; });
    };
    if (differ(head.position, first_->position, 1e-2F) ||
        differ(head.read_dir, first_->read_dir, 1e-4F) ||
        differ(head.phase_dir, first_->phase_dir, 1e-4F) ||
        differ(head.slice_dir, first_->slice_dir, 1e-4F))
      throw FormatError("GEOMETRY_CHANGES", "position or directions change between acquisitions");
  }

  void set_axes(qsm::v1::Geometry& geometry) const {
    auto const vector = [](void const* from) {
      auto const v = triple(from);
      qsm::v1::Vector3 result;
      result.set_x(v[0]);
      result.set_y(v[1]);
      result.set_z(v[2]);
      return result;
    };
    *geometry.mutable_x_direction_lps() = vector(first_->read_dir);
    *geometry.mutable_y_direction_lps() = vector(first_->phase_dir);
    *geometry.mutable_z_direction_lps() = vector(first_->slice_dir);
    set_centre(geometry, vector(first_->position));
  }

  void add_warnings(qsm::v1::ExamHeader& header) const {
    for (auto const& [kind, count] : skipped_)
      header.add_warnings(kind + "_SKIPPED: " + std::to_string(count) +
                          " acquisitions are not image data and were left out");
    if (shortest_ < header.encoded().x())
      header.add_warnings("PARTIAL_ECHO: the shortest readout covers " + std::to_string(shortest_) +
                          " of " + std::to_string(header.encoded().x()) +
                          " samples; the rest is zero");
    header.set_bipolar_readout(alternates());
    if (!reversed_.empty() && !forward_.empty())
      header.add_warnings("BIPOLAR_READOUT: " + std::to_string(reversed_.size()) +
                          " echoes were read out in reverse");
  }

  LinePlacement const& placement_;
  std::optional<ISMRMRD_AcquisitionHeader> first_;
  std::map<std::string, std::uint64_t> skipped_;
  std::vector<NoiseLine> noise_;
  std::set<std::uint32_t> forward_;  // contrasts by readout polarity
  std::set<std::uint32_t> reversed_;
  std::uint32_t shortest_ = UINT32_MAX;
  std::uint64_t largest_ = 0;
  std::uint64_t lines_ = 0;
};

void write_lines(Acquisitions& file, LinePlacement const& placement, std::uint64_t line_bytes,
                 std::optional<Whitening> const& whitening, ContainerWriter& out) {
  constexpr std::uint64_t kBlockBytes = 32u << 20;
  std::uint64_t const per_block = std::max<std::uint64_t>(kBlockBytes / line_bytes, 1);
  std::vector<std::complex<float>> samples, white;
  for (std::uint64_t at = 0; at < file.acquisitions(); at += per_block) {
    for (auto const& record : file.read(at, std::min(per_block, file.acquisitions() - at))) {
      auto const& head = record.head;
      if (not_imaging(head) != nullptr) continue;
      auto placed = placement.place(head);
      samples.resize(std::size_t{placed.coils} * placed.samples);
      placement.copy(head, samples_of(record), samples);
      if (whitening) {
        placed.coils = static_cast<std::uint32_t>(whitening->channels());
        white.resize(whitening->channels() * placed.samples);
        whitening->apply(samples, placed.samples, white);
        samples.swap(white);
      }
      out.acquisition(placed, samples);
    }
  }
}

}  // namespace

void read_ismrmrd(std::filesystem::path const& path, NoiseSource const& noise,
                  ContainerWriter& out) {
  auto const opened = open_acquisitions(path);
  Acquisitions& file = *opened;
  auto const xml = parse_ismrmrd_xml(file.xml());
  qsm::v1::ExamHeader header = exam_header_of(xml);
  LinePlacement const placement = placement_of(xml.encoding[0], header.encoded());
  Survey found(placement);
  for_each_head(file, [&](std::uint64_t at, auto const& head) { found.add(at, head); });
  found.complete(header);
  check_header(header);
  auto const whitening =
      find_whitening(noise, {file, xml, found.first().sample_time_us, found.noise()}, header);
  out.header(header);
  write_lines(file, placement, found.largest_line(), whitening, out);
  out.end();
}

}  // namespace chistream
