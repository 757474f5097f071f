#include "phase/edge_weights.hpp"

#include <cmath>
#include <cstring>
#include <numbers>

#include "device/launch.hpp"
#include "device/select.hpp"
#include "math/finite.hpp"

namespace qsm {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;
constexpr float kTwoPi = 2 * kPi;

/// rint for |x| < 2^22 by a sum alone; rintf is a library call on some processors.
QSM_HD float nearest(float x) {
  constexpr float kShift = 12582912.0f;  // 3 2^22: the last place of the sum is 1
  return (x + kShift) - kShift;
}
QSM_HD float wrap_exactly(float a) {
  return a - kTwoPi * nearest(a * (1 / kTwoPi));
}
// Not a number gives zero (fmaxf is a library call too).
QSM_HD float positive(float v) {
  return v > 0 ? v : 0.0f;
}
QSM_HD float factor(float term) {
  return 0.1f + 0.9f * term;
}

/// 1 .. 65535, or 0 (no edge) unless 0 < q <= 1.
QSM_HD std::uint16_t cost_of(float q) {
  if (!(q > 0 && q <= 1)) return 0;
  int const cost = static_cast<int>(nearest((1 - q) * kWorstCost));
  return static_cast<std::uint16_t>(cost < 1 ? 1 : cost);
}

struct OutputCosts {
  std::uint16_t* along[3];
};
template <class Device>
OutputCosts output(EdgeCostBuffers<Device>& costs) {
  return {{costs.along[0].field().data, costs.along[1].field().data, costs.along[2].field().data}};
}

struct RomeoCosts {
  RomeoInputs in;
  Field<std::uint8_t const> mask;
  float half_m95;
  OutputCosts out;

  QSM_HD void operator()(Index3 i) const {
    std::size_t const n = mask.grid.linear(i);
    for (int axis = 0; axis < 3; ++axis) {
      int const c = coordinate(i, axis), extent = mask.grid.extent(axis);
      std::size_t const step = edge_stride(mask.grid, axis);
      bool const joins = mask.data[n] != 0 && c + 1 < extent && mask.data[n + step] != 0 &&
                         !(in.settled && in.settled.data[n] && in.settled.data[n + step]);
      bool const whole_line = c > 0 && c + 2 < extent;
      out.along[axis][n] = joins ? cost_of(quality(n, step, whole_line)) : std::uint16_t{0};
    }
  }

  QSM_HD float quality(std::size_t n, std::size_t step, bool whole_line) const {
    float const* const w = in.phase.data;
    float const d = wrap_exactly(in.phase_scale * (w[n] - w[n + step]));
    float q = factor(1 - fabsf(d) * (1 / kPi));
    if (in.second) {
      float const* const v = in.second.data;
      float const other = wrap_exactly(in.second_scale * (v[n] - v[n + step]));
      q *= factor(positive(1 - fabsf(d - other * in.te_ratio)));
    }
    q *= factor(whole_line ? linearity(n, step) * linearity(n + step, step) : 0.9f);
    if (in.magnitude) q *= magnitude_factors(in.magnitude.data[n], in.magnitude.data[n + step]);
    return q;
  }

  QSM_HD float linearity(std::size_t centre, std::size_t step) const {
    float const* const w = in.phase.data + centre;
    float const bend = in.phase_scale * ((*(w - step) - w[0]) - (w[0] - w[step]));
    float const l = 1 - fabsf(wrap_exactly(bend)) * 0.5f;
    return l == l ? positive(l) : 0.5f;
  }

  QSM_HD float magnitude_factors(float a, float b) const {
    a = positive(a);
    b = positive(b);
    float const low = a < b ? a : b, high = a < b ? b : a;
    float const ratio = high > 0 && is_finite(high) ? low / high : 0.0f;
    float const coherence = factor(ratio * ratio);
    if (!in.magnitude_level) return coherence;
    float const strong = low < half_m95 ? low / half_m95 : 1.0f;
    float const not_flow = high > half_m95 ? half_m95 / high : 1.0f;
    return coherence * factor(0.5f + 0.5f * strong) * factor(0.5f + 0.5f * not_flow);
  }
};

/// D, the second differences of a voxel taken together.
struct Bend {
  Field<float const> phase;
  Field<std::uint8_t const> mask;
  Field<float> bend;

  QSM_HD void operator()(Index3 i) const {
    std::size_t const n = mask.grid.linear(i);
    if (mask.data[n] == 0) return;
    float sum = 0;
    for (int pair = 0; pair < 13; ++pair) {  // offsets 14 .. 26 of the 3x3x3 block
      int const at = pair + 14;
      Index3 const step{at % 3 - 1, at / 3 % 3 - 1, at / 9 - 1};
      sum += square(i, step, phase.data[n]);
    }
    bend.data[n] = sqrtf(sum);  // IEEE: rounded alike everywhere
  }

  QSM_HD float square(Index3 i, Index3 step, float here) const {
    constexpr float kWorst = kTwoPi * kTwoPi;
    Index3 const before{i.x - step.x, i.y - step.y, i.z - step.z};
    Index3 const behind{i.x + step.x, i.y + step.y, i.z + step.z};
    if (!mask.grid.contains(before) || !mask.grid.contains(behind)) return kWorst;
    if (!mask[before] || !mask[behind]) return kWorst;
    float const d = wrap_exactly(phase[before] - here) - wrap_exactly(here - phase[behind]);
    return is_finite(d) ? d * d : kWorst;
  }
};

struct BestPathCosts {
  Field<float const> phase, bend;
  Field<std::uint8_t const> mask;
  OutputCosts out;

  QSM_HD void operator()(Index3 i) const {
    std::size_t const n = mask.grid.linear(i);
    for (int axis = 0; axis < 3; ++axis) {
      std::size_t const m = n + edge_stride(mask.grid, axis);
      bool const joins = coordinate(i, axis) + 1 < mask.grid.extent(axis) && mask.data[n] != 0 &&
                         mask.data[m] != 0 && is_finite(phase.data[n]) && is_finite(phase.data[m]);
      out.along[axis][n] = joins ? cost(bend.data[n], bend.data[m]) : std::uint16_t{0};
    }
  }

  /// 1 / (1 / a + 1 / b), at most 11.4: the leading bits of a float order like the float.
  QSM_HD static std::uint16_t cost(float a, float b) {
    float const joint = a + b > 0 ? a * b / (a + b) : 0.0f;
    constexpr std::uint32_t kLowest = (127u - 27u) << 11;  // of 2^-27
    std::uint32_t bits;
    memcpy(&bits, &joint, sizeof(bits));
    bits >>= 12;
    return static_cast<std::uint16_t>(bits > kLowest ? bits - kLowest : 1u);
  }
};

struct MeanOfEdges {
  EdgeCosts costs;
  Field<float> quality;
  QSM_HD void operator()(Index3 i) const {
    Grid const g = quality.grid;
    std::size_t const n = g.linear(i);
    int sum = 0;  // of 65535 q, exactly
    for (int axis = 0; axis < 3; ++axis) {
      sum += worth(costs.along[axis].data[n]);
      if (coordinate(i, axis) > 0) sum += worth(costs.along[axis].data[n - edge_stride(g, axis)]);
    }
    quality.data[n] = static_cast<float>(sum) / (6 * kWorstCost);
  }
  QSM_HD static int worth(std::uint16_t cost) { return cost == 0 ? 0 : 65535 - cost; }
};

}  // namespace

template <class Device>
void romeo_edge_costs(Device const& device, RomeoInputs const& inputs,
                      Field<std::uint8_t const> mask, EdgeCostBuffers<Device>& costs) {
  float half_m95 = 0;
  if (inputs.magnitude_level) {
    half_m95 = 0.5f * static_cast<float>(percentiles(device, inputs.magnitude, mask, {95}).front());
    require(half_m95 > 0, "EMPTY_MASK", "no signal lies inside the mask");
  }
  for_each_voxel(
      device, mask.grid,
      RomeoCosts{.in = inputs, .mask = mask, .half_m95 = half_m95, .out = output(costs)});
}

template <class Device>
void best_path_edge_costs(Device const& device, Field<float const> phase,
                          Field<std::uint8_t const> mask, EdgeCostBuffers<Device>& costs) {
  Buffer<Device, float> bend(device, mask.grid);
  for_each_voxel(device, mask.grid, Bend{phase, mask, bend.field()});
  for_each_voxel(
      device, mask.grid,
      BestPathCosts{.phase = phase, .bend = bend.view(), .mask = mask, .out = output(costs)});
}

template <class Device>
void voxel_quality(Device const& device, EdgeCosts costs, Field<float> quality) {
  for_each_voxel(device, quality.grid, MeanOfEdges{costs, quality});
}

template struct EdgeCostBuffers<ThisDevice>;
template void romeo_edge_costs(ThisDevice const&, RomeoInputs const&, Field<std::uint8_t const>,
                               EdgeCostBuffers<ThisDevice>&);
template void best_path_edge_costs(ThisDevice const&, Field<float const>, Field<std::uint8_t const>,
                                   EdgeCostBuffers<ThisDevice>&);
template void voxel_quality(ThisDevice const&, EdgeCosts, Field<float>);

}  // namespace qsm
