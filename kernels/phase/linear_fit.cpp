#include "phase/linear_fit.hpp"

#include "phase/fit_echoes.hpp"

namespace qsm {
namespace {

/// The line stays as it is.
struct KeepLine {
  QSM_HD double operator()(EchoSamples const& echoes, EchoSums const&, std::size_t n,
                           EchoLine& line) const {
    double squares = 0;
    for (int e = 0; e < echoes.count(); ++e) {
      double const w = echoes.weight(e, n);
      if (!(w > 0)) continue;
      double const r = echoes.phase(e, n) - line.at(echoes.te.s[e]);
      squares += w * r * r;
    }
    return squares;
  }
};

}  // namespace

template <class Device>
FitSummary linear_fit(Device const& device, std::vector<Field<float const>> const& phases,
                      std::vector<Field<float const>> const& magnitudes,
                      std::vector<double> const& te_s, Field<std::uint8_t const> mask,
                      EchoFitFields const& out, Field<float const> known_offset_rad) {
  return fit_echoes<KeepLine>(device, phases, magnitudes, te_s, mask, out, known_offset_rad);
}

template FitSummary linear_fit(ThisDevice const&, std::vector<Field<float const>> const&,
                               std::vector<Field<float const>> const&, std::vector<double> const&,
                               Field<std::uint8_t const>, EchoFitFields const&, Field<float const>);

}  // namespace qsm
