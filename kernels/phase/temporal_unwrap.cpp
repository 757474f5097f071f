#include "phase/temporal_unwrap.hpp"

#include <numbers>
#include <string>

#include "device/error.hpp"
#include "device/launch.hpp"
#include "math/finite.hpp"
#include "math/vec.hpp"

namespace qsm {
namespace {

struct NearestToPrediction {
  Field<float const> previous;
  float growth;  // TE / TE_previous
  Field<float const> wrapped;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const {
    constexpr double kTwoPi = 2 * std::numbers::pi;
    float const predicted = previous[i] * growth;
    float const turns = rintf((wrapped[i] - predicted) / static_cast<float>(kTwoPi));
    // In double: the float nearest to a value congruent with the data.
    double const phase = static_cast<double>(wrapped[i]) - kTwoPi * static_cast<double>(turns);
    out[i] = finite_or_zero(static_cast<float>(phase));
  }
};

}  // namespace

template <class Device>
void unwrap_echo(Device const& device, Field<float const> previous, double previous_te_s,
                 Field<float const> wrapped, double te_s, Field<float> out) {
  require(previous_te_s > 0 && te_s > 0, "ECHO_TIMES",
          "echo times are " + std::to_string(previous_te_s) + " and " + std::to_string(te_s) +
              " s and must be positive");
  for_each_voxel(device, out.grid,
                 NearestToPrediction{.previous = previous,
                                     .growth = static_cast<float>(te_s / previous_te_s),
                                     .wrapped = wrapped,
                                     .out = out});
}

template void unwrap_echo(ThisDevice const&, Field<float const>, double, Field<float const>, double,
                          Field<float>);

}  // namespace qsm
