#include "phase/reliability.hpp"

#include <cmath>

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "device/select.hpp"
#include "math/count.hpp"
#include "math/echo_fields.hpp"
#include "math/finite.hpp"

namespace qsm {
namespace {

/// Rules (1) and (4).
struct Misfit {
  EchoFields magnitudes;
  Field<std::uint8_t const> mask;
  FieldEstimate estimate;
  double residual_sigmas, residual_min_rad, residual_max_rad;
  float min_quality;  // rule (4)

  QSM_HD bool operator()(Index3 i) const {
    if (estimate.quality && !(estimate.quality[i] >= min_quality)) return true;
    double const residual = static_cast<double>(estimate.residual_rad[i]);
    if (residual > residual_max_rad) return true;
    int const freedom = estimate.freedom;
    if (!estimate.noise_is_absolute || freedom < 1 || !(residual > residual_min_rad)) return false;
    double s = 0;
    for (int e = 0; e < magnitudes.count; ++e) s += square(magnitudes.data[e][mask.grid.linear(i)]);
    // E[sum m^2 r^2] = sigma_n^2 freedom
    return residual * residual * s > residual_sigmas * residual_sigmas * estimate.noise_sigma *
                                         estimate.noise_sigma * freedom;
  }
  QSM_HD static double square(float m) {
    return is_finite(m) && m > 0 ? static_cast<double>(m) * static_cast<double>(m) : 0.0;
  }
};

/// sqrt(sum m^2 TE^2); NaN where the voxel has no say.
struct InverseNoise {
  Misfit misfit;
  EchoTimes te;
  Field<float> weight;
  QSM_HD void operator()(Index3 i) const {
    std::size_t const n = weight.grid.linear(i);
    weight.data[n] = NAN;
    if (misfit.mask.data[n] == 0 || !is_finite(misfit.estimate.field_hz.data[n]) || misfit(i))
      return;
    double sum = 0;
    for (int e = 0; e < misfit.magnitudes.count; ++e)
      sum += Misfit::square(misfit.magnitudes.data[e][n]) * te.s[e] * te.s[e];
    if (sum > 0) weight.data[n] = static_cast<float>(sqrt(sum));
  }
};

/// The values of the up to 26 neighbours that have a say.
struct Neighbourhood {
  float value[26];
  int count = 0;

  QSM_HD void sort() {
    for (int a = 1; a < count; ++a) {
      float const v = value[a];
      int b = a;
      for (; b > 0 && value[b - 1] > v; --b) value[b] = value[b - 1];
      value[b] = v;
    }
  }
  /// Of sorted values, the nearest rank.
  QSM_HD float quantile(float share) const {
    return value[static_cast<int>(share * static_cast<float>(count - 1) + 0.5f)];
  }
};

/// Rule (2), and the scale to [0, sqrt(0.999)].
struct FinishWeight {
  Field<float const> inverse_noise;
  Field<float const> field_hz, noise_hz;
  float leap_hz, leap_sigmas;
  float noise_scale;  // 0 where noise_hz is relative
  float p99;
  Field<float> weight;

  QSM_HD void operator()(Index3 i) const {
    float const w = inverse_noise[i];
    weight[i] = is_finite(w) && !leaps(i) ? fminf(w / p99, kLargest) : 0.0f;
  }

  QSM_HD bool leaps(Index3 i) const {
    Neighbourhood near;
    bool far = false;
    float const here = field_hz[i];
    for (int z = i.z - 1; z <= i.z + 1; ++z)
      for (int y = i.y - 1; y <= i.y + 1; ++y)
        for (int x = i.x - 1; x <= i.x + 1; ++x) {
          Index3 const j{x, y, z};
          bool const itself = x == i.x && y == i.y && z == i.z;
          if (itself || !field_hz.grid.contains(j) || !is_finite(inverse_noise[j])) continue;
          near.value[near.count++] = field_hz[j];
          far = far || fabsf(field_hz[j] - here) > leap_hz;
        }
    if (!far || near.count < kFewestNeighbours) return false;
    near.sort();
    float const low = near.quantile(kLow);
    float const high = near.quantile(1 - kLow);
    float const leap = here < low ? low - here : here - high;
    return leap > leap_hz && leap > leap_sigmas * (high - low + noise_scale * noise_hz[i]);
  }

  static constexpr float kLargest = 0.99949987f;  // sqrt(0.999), rounded down
  static constexpr int kFewestNeighbours = 6;
  static constexpr float kLow = 0.3f;
};

struct CountMisfits {
  Misfit misfit;
  QSM_HD double operator()(Index3 i) const { return misfit.mask[i] != 0 && misfit(i); }
};

struct Excluded {
  Field<std::uint8_t const> mask;
  Field<float const> weight;
  QSM_HD double operator()(Index3 i) const { return mask[i] != 0 && weight[i] == 0; }
};

struct Leapt {
  Field<float const> inverse_noise, weight;
  QSM_HD double operator()(Index3 i) const { return is_finite(inverse_noise[i]) && weight[i] == 0; }
};

}  // namespace

template <class Device>
ReliabilityCounts data_weight(Device const& device,
                              std::vector<Field<float const>> const& magnitudes,
                              std::vector<double> const& te_s, FieldEstimate const& estimate,
                              Field<std::uint8_t const> mask, ReliabilityOptions const& options,
                              Field<float> weight) {
  Grid const grid = mask.grid;
  Misfit const misfit{.magnitudes = echo_fields(magnitudes, te_s),
                      .mask = mask,
                      .estimate = estimate,
                      .residual_sigmas = options.residual_sigmas,
                      .residual_min_rad = options.residual_min_rad,
                      .residual_max_rad = options.residual_max_rad,
                      .min_quality = static_cast<float>(options.min_quality)};
  Buffer<Device, float> inverse_noise(device, grid);
  for_each_voxel(device, grid, InverseNoise{misfit, echo_times(te_s), inverse_noise.field()});
  double const p99 = percentiles(device, inverse_noise.view(), mask, {99}).front();

  for_each_voxel(device, grid,
                 FinishWeight{.inverse_noise = inverse_noise.view(),
                              .field_hz = estimate.field_hz,
                              .noise_hz = estimate.noise_hz,
                              .leap_hz = static_cast<float>(options.leap_turns / te_s.back()),
                              .leap_sigmas = static_cast<float>(options.leap_sigmas),
                              .noise_scale = estimate.noise_is_absolute ? 1.0f : 0.0f,
                              .p99 = static_cast<float>(p99),
                              .weight = weight});
  auto const count = [&](auto which) {
    return static_cast<std::size_t>(sum_over(device, grid, which));
  };
  return {.mask_voxels = count_voxels(device, mask),
          .excluded = count(Excluded{mask, weight}),
          .misfits = count(CountMisfits{misfit}),
          .leaps = count(Leapt{inverse_noise.view(), weight})};
}

template ReliabilityCounts data_weight(ThisDevice const&, std::vector<Field<float const>> const&,
                                       std::vector<double> const&, FieldEstimate const&,
                                       Field<std::uint8_t const>, ReliabilityOptions const&,
                                       Field<float>);

}  // namespace qsm
