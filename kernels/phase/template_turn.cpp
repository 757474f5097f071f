#include "phase/template_turn.hpp"

#include <cmath>
#include <cstdlib>
#include <limits>

#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "math/vec.hpp"

namespace qsm {
namespace {

constexpr float kTwoPi = 2 * std::numbers::pi_v<float>;

struct WeightedMisfit {
  TemplateEchoes echoes;
  Field<std::uint8_t const> mask;
  float turn, ratio;
  QSM_HD double operator()(Index3 i) const {
    if (!mask[i]) return 0;
    float const predicted = ratio * (echoes.first[i] + turn);
    return static_cast<double>(echoes.magnitude[i] * fabsf(wrap(echoes.second[i] - predicted)));
  }
};

struct MaskedValue {
  Field<float const> value;
  Field<std::uint8_t const> mask;
  QSM_HD double operator()(Index3 i) const { return mask[i] ? static_cast<double>(value[i]) : 0; }
};

struct AddTurn {
  Field<float> phase;
  Field<std::uint8_t const> mask;
  float turn;
  QSM_HD void operator()(Index3 i) const { phase[i] = mask[i] ? phase[i] + turn : 0.0f; }
};

}  // namespace

template <class Device>
void correct_template_turn(Device const& device, Field<std::uint8_t const> mask,
                           TemplateEchoes const& echoes) {
  require(echoes.first_te_s > 0 && echoes.second_te_s > echoes.first_te_s, "ECHO_TIMES",
          "echo times are not positive and increasing");
  auto const ratio = static_cast<float>(echoes.second_te_s / echoes.first_te_s);
  double const total = sum_over(device, mask.grid, MaskedValue{echoes.magnitude, mask});
  require(total > 0, "EMPTY_MASK", "no signal lies inside the mask");

  constexpr double kCostPerTurn = 0.01;
  double best = std::numeric_limits<double>::infinity();
  float chosen = 0;
  for (int const turns : {0, 1, -1, 2, -2}) {
    float const turn = kTwoPi * static_cast<float>(turns);
    double const misfit =
        sum_over(device, mask.grid, WeightedMisfit{echoes, mask, turn, ratio}) / total;
    double const cost = misfit + kCostPerTurn * std::abs(turns);
    if (cost < best) {
      best = cost;
      chosen = turn;
    }
  }
  for_each_voxel(device, mask.grid, AddTurn{echoes.first, mask, chosen});
}

template void correct_template_turn(ThisDevice const&, Field<std::uint8_t const>,
                                    TemplateEchoes const&);

}  // namespace qsm
