#include "formats/ismrmrd/lines.hpp"

#include <algorithm>
#include <string>

#include "formats/format_error.hpp"

namespace chistream {

using namespace ISMRMRD;

bool is_noise(ISMRMRD_AcquisitionHeader const& head) {
  return ismrmrd_is_flag_set(head.flags, ISMRMRD_ACQ_IS_NOISE_MEASUREMENT);
}

bool is_reversed(ISMRMRD_AcquisitionHeader const& head) {
  return ismrmrd_is_flag_set(head.flags, ISMRMRD_ACQ_IS_REVERSE);
}

char const* not_imaging(ISMRMRD_AcquisitionHeader const& head) {
  struct Kind {
    std::uint64_t flag;
    char const* name;
  };
  static constexpr Kind kKinds[] = {
      {ISMRMRD_ACQ_IS_NOISE_MEASUREMENT, "NOISE"},
      {ISMRMRD_ACQ_IS_NAVIGATION_DATA, "NAVIGATOR"},
      {ISMRMRD_ACQ_IS_PHASECORR_DATA, "PHASE_CORRECTION"},
      {ISMRMRD_ACQ_IS_HPFEEDBACK_DATA, "FEEDBACK"},
      {ISMRMRD_ACQ_IS_RTFEEDBACK_DATA, "FEEDBACK"},
      {ISMRMRD_ACQ_IS_DUMMYSCAN_DATA, "DUMMY"},
      {ISMRMRD_ACQ_IS_SURFACECOILCORRECTIONSCAN_DATA, "COIL_CORRECTION"},
      {ISMRMRD_ACQ_IS_PHASE_STABILIZATION_REFERENCE, "PHASE_STABILIZATION"},
      {ISMRMRD_ACQ_IS_PHASE_STABILIZATION, "PHASE_STABILIZATION"},
      {ISMRMRD_ACQ_IS_PARALLEL_CALIBRATION, "CALIBRATION"}};
  if (ismrmrd_is_flag_set(head.flags, ISMRMRD_ACQ_IS_PARALLEL_CALIBRATION_AND_IMAGING))
    return nullptr;
  for (auto const& kind : kKinds)
    if (ismrmrd_is_flag_set(head.flags, kind.flag)) return kind.name;
  return nullptr;
}

qsm::container::AcquisitionHead LinePlacement::place(ISMRMRD_AcquisitionHeader const& head) const {
  auto const centred = [](std::uint32_t step, std::uint32_t centre, std::uint32_t size) {
    return std::int64_t{step} - centre + size / 2;
  };
  std::int64_t const y = centred(head.idx.kspace_encode_step_1, centre_y_, encoded_.y());
  std::int64_t const z = centred(head.idx.kspace_encode_step_2, centre_z_, encoded_.z());
  if (y < 0 || z < 0 || y >= encoded_.y() || z >= encoded_.z())
    throw FormatError("LINE_OUT_OF_RANGE",
                      "encoding steps (" + std::to_string(head.idx.kspace_encode_step_1) + ", " +
                          std::to_string(head.idx.kspace_encode_step_2) + ") with centre (" +
                          std::to_string(centre_y_) + ", " + std::to_string(centre_z_) +
                          ") lie outside the matrix of " + std::to_string(encoded_.y()) + " x " +
                          std::to_string(encoded_.z()));
  return {head.idx.contrast,
          static_cast<std::uint32_t>(y),
          static_cast<std::uint32_t>(z),
          head.active_channels,
          encoded_.x(),
          0};
}

LinePlacement::Window LinePlacement::window(ISMRMRD_AcquisitionHeader const& head) const {
  std::int64_t const n = head.number_of_samples;
  bool const reversed = is_reversed(head);
  std::int64_t const centre = reversed ? n - 1 - head.center_sample : head.center_sample;
  std::int64_t const offset = encoded_.x() / 2 - centre;
  std::int64_t const before = reversed ? head.discard_post : head.discard_pre;
  std::int64_t const after = reversed ? head.discard_pre : head.discard_post;
  return {std::max(before, -offset), std::min(n - after, encoded_.x() - offset), offset};
}

std::uint32_t LinePlacement::covered(ISMRMRD_AcquisitionHeader const& head) const {
  Window const w = window(head);
  return static_cast<std::uint32_t>(std::max<std::int64_t>(w.last - w.first, 0));
}

void LinePlacement::copy(ISMRMRD_AcquisitionHeader const& head,
                         std::span<std::complex<float> const> in,
                         std::span<std::complex<float>> out) const {
  Window const w = window(head);
  std::int64_t const n = head.number_of_samples;
  bool const reversed = is_reversed(head);
  std::fill(out.begin(), out.end(), std::complex<float>());
  for (std::size_t c = 0; c < head.active_channels; ++c) {
    auto const* from = in.data() + c * head.number_of_samples;
    auto* to = out.data() + c * encoded_.x();
    for (std::int64_t m = w.first; m < w.last; ++m)
      to[m + w.offset] = from[reversed ? n - 1 - m : m];
  }
}

}  // namespace chistream
