#include "formats/ismrmrd/exam.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "formats/format_error.hpp"
#include "formats/ismrmrd/xml.hpp"

namespace chistream {

using ISMRMRD::ISMRMRD_AcquisitionHeader;

namespace {

/// By bytes: the members of ISMRMRD's packed structures lie at any even address.
std::array<float, 3> triple(void const* from) {
  std::array<float, 3> values;
  std::memcpy(values.data(), from, sizeof(values));
  return values;
}

qsm::v1::Vector3 vector_of(void const* from) {
  auto const v = triple(from);
  qsm::v1::Vector3 result;
  result.set_x(v[0]);
  result.set_y(v[1]);
  result.set_z(v[2]);
  return result;
}

void check_counters(ISMRMRD_AcquisitionHeader const& head) {
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

}  // namespace

LinePlacement placement_of(ISMRMRD::Encoding const& encoding, qsm::v1::Matrix const& encoded) {
  auto const centre = [](ISMRMRD::Optional<ISMRMRD::Limit> const& limit, std::uint32_t size) {
    return limit ? std::uint32_t{limit->center} : size / 2;
  };
  return {encoded, centre(encoding.encodingLimits.kspace_encoding_step_1, encoded.y()),
          centre(encoding.encodingLimits.kspace_encoding_step_2, encoded.z())};
}

void Survey::add(std::uint64_t at, ISMRMRD_AcquisitionHeader const& head) {
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
  auto const contrast = head.idx.contrast;
  train_is_whole_ |= forward_.contains(contrast) || reversed_.contains(contrast);
  (is_reversed(head) ? reversed_ : forward_).insert(contrast);
  ++lines_;
}

void Survey::describe(qsm::v1::ExamHeader& header) const {
  if (!first_) throw FormatError("NO_IMAGING_LINES", "no acquisition holds image data");
  header.set_coils(first_->active_channels);
  auto& geometry = *header.mutable_geometry();
  *geometry.mutable_x_direction_lps() = vector_of(first_->read_dir);
  *geometry.mutable_y_direction_lps() = vector_of(first_->phase_dir);
  *geometry.mutable_z_direction_lps() = vector_of(first_->slice_dir);
  set_centre(geometry, vector_of(first_->position));
  header.set_bipolar_readout(alternates());
}

void Survey::check_echoes(qsm::v1::ExamHeader const& header) const {
  std::set<std::uint32_t> echoes = forward_;
  echoes.insert(reversed_.begin(), reversed_.end());
  auto const te = static_cast<std::size_t>(header.te_s_size());
  if (echoes.size() != te || *echoes.rbegin() + 1 != te)
    throw FormatError("ECHO_COUNT_MISMATCH", "lines of " + std::to_string(echoes.size()) +
                                                 " contrasts for " + std::to_string(te) +
                                                 " echo times");
}

bool Survey::alternates() const {
  auto const parity = [](std::set<std::uint32_t> const& contrasts, std::uint32_t of) {
    return std::all_of(contrasts.begin(), contrasts.end(),
                       [=](std::uint32_t c) { return c % 2 == of; });
  };
  if (reversed_.empty() || forward_.empty()) return false;
  std::uint32_t const first = *forward_.begin() % 2;
  return parity(forward_, first) && parity(reversed_, 1 - first);
}

std::vector<std::string> Survey::warnings(qsm::v1::ExamHeader const& header) const {
  std::vector<std::string> all;
  for (auto const& [kind, count] : skipped_)
    all.push_back(kind + "_SKIPPED: " + std::to_string(count) +
                  " acquisitions are not image data and were left out");
  if (shortest_ < header.encoded().x())
    all.push_back("PARTIAL_ECHO: the shortest readout covers " + std::to_string(shortest_) +
                  " of " + std::to_string(header.encoded().x()) + " samples; the rest is zero");
  if (!reversed_.empty() && !forward_.empty())
    all.push_back("BIPOLAR_READOUT: " + std::to_string(reversed_.size()) +
                  " echoes were read out in reverse");
  return all;
}

void Survey::check_same(ISMRMRD_AcquisitionHeader const& head) const {
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

void LineWriter::write(StoredAcquisition const& record) {
  auto const& head = record.head;
  if (not_imaging(head) != nullptr) return;
  auto placed = placement_.place(head);
  samples_.resize(std::size_t{placed.coils} * placed.samples);
  placement_.copy(head, samples_of(record), samples_);
  if (whitening_) {
    placed.coils = static_cast<std::uint32_t>(whitening_->channels());
    white_.resize(whitening_->channels() * placed.samples);
    whitening_->apply(samples_, placed.samples, white_);
    samples_.swap(white_);
  }
  out_.acquisition(placed, samples_);
}

}  // namespace chistream
