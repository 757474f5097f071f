/// The frame of every fit over the echoes: a least-squares line per voxel, what the fit makes of
/// it, and the noise read off all of them.
#pragma once

#include <vector>

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "phase/echo_line.hpp"

namespace qsm {

/// `Refine` moves the line it is given and returns sum m^2 r^2:
///   double operator()(EchoSamples const&, EchoSums const&, std::size_t voxel, EchoLine&) const
template <class Refine>
struct FitVoxel {
  EchoSamples echoes;
  Field<std::uint8_t const> mask;
  EchoFitOutput out;
  Field<float const> known_offset;  // empty: fitted

  QSM_HD void operator()(Index3 i) const {
    std::size_t const n = mask.grid.linear(i);
    out.clear(n);
    if (mask.data[n] == 0) return;
    EchoSums const sum(echoes, n);
    if (sum.used == 0) return;
    EchoLine line = fit_line(sum, known_offset ? known_offset.data + n : nullptr);
    double const squares = Refine{}(echoes, sum, n, line);
    out.write(n, line, sum, squares, echoes.count());
  }
};

/// Throws Error{kInvalidArgument}: ECHO_COUNT, ECHO_TIMES, EMPTY_MASK.
template <class Refine, class Device>
FitSummary fit_echoes(Device const& device, std::vector<Field<float const>> const& phases,
                      std::vector<Field<float const>> const& magnitudes,
                      std::vector<double> const& te_s, Field<std::uint8_t const> mask,
                      EchoFitFields const& out, Field<float const> known_offset_rad) {
  Buffer<Device, float> misfit(device, mask.grid);
  for_each_voxel(device, mask.grid,
                 FitVoxel<Refine>{.echoes = {.phases = echo_fields(phases, te_s),
                                             .magnitudes = echo_fields(magnitudes, te_s),
                                             .te = echo_times(te_s)},
                                  .mask = mask,
                                  .out = {out, misfit.field()},
                                  .known_offset = known_offset_rad});
  int const freedom = static_cast<int>(te_s.size()) - (known_offset_rad ? 1 : 2);
  return scale_by_noise(device, misfit.view(), mask, freedom, out.noise_hz);
}

}  // namespace qsm
