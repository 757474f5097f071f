#include "phase/linear_fit.hpp"

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "phase/echo_line.hpp"

namespace qsm {
namespace {

struct FitLine {
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
    EchoLine const line = fit_line(sum, known_offset ? known_offset.data + n : nullptr);

    double squares = 0;
    for (int e = 0; e < echoes.count(); ++e) {
      double const w = echoes.weight(e, n);
      if (!(w > 0)) continue;
      double const r = echoes.phase(e, n) - line.at(echoes.te.s[e]);
      squares += w * r * r;
    }
    out.write(n, line, sum, squares, echoes.count());
  }
};

}  // namespace

template <class Device>
FitSummary linear_fit(Device const& device, std::vector<Field<float const>> const& phases,
                      std::vector<Field<float const>> const& magnitudes,
                      std::vector<double> const& te_s, Field<std::uint8_t const> mask,
                      EchoFitFields const& out, Field<float const> known_offset_rad) {
  Buffer<Device, float> misfit(device, mask.grid);
  for_each_voxel(device, mask.grid,
                 FitLine{.echoes = {.phases = echo_fields(phases, te_s),
                                    .magnitudes = echo_fields(magnitudes, te_s),
                                    .te = echo_times(te_s)},
                         .mask = mask,
                         .out = {out, misfit.field()},
                         .known_offset = known_offset_rad});
  int const freedom = static_cast<int>(te_s.size()) - (known_offset_rad ? 1 : 2);
  return scale_by_noise(device, misfit.view(), mask, freedom, out.noise_hz);
}

template FitSummary linear_fit(ThisDevice const&, std::vector<Field<float const>> const&,
                               std::vector<Field<float const>> const&, std::vector<double> const&,
                               Field<std::uint8_t const>, EchoFitFields const&, Field<float const>);

}  // namespace qsm
