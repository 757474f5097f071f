#include "relaxometry/r2s.hpp"

#include "device/launch.hpp"
#include "math/count.hpp"
#include "relaxometry/decay.hpp"

namespace qsm {
namespace {

constexpr double kLargestRate = 500;

struct RateAndAmplitude {
  double rate = 0, amplitude = 0;
};

/// Sum of squares at one (rate, amplitude), and its normal equations.
struct NormalEquations {
  double cost = 0;
  double a11 = 0, a12 = 0, a22 = 0;  // J^T J over (rate, amplitude)
  double b1 = 0, b2 = 0;             // J^T r

  QSM_HD NormalEquations(Decay const& decay, std::size_t n, RateAndAmplitude at, double floor) {
    Decay::Exponential exponential(decay, at.rate);
    for (int e = 0; e < decay.count(); ++e, exponential.next()) {
      double const m = decay.sample(e, n);
      if (!(m > 0)) continue;
      double const signal = at.amplitude * exponential.value;
      double const model = floor > 0 ? sqrt(signal * signal + floor * floor) : signal;
      double const inner = floor > 0 ? signal / model : 1.0;
      double const by_rate = -decay.te.s[e] * signal * inner;
      double const by_amplitude = exponential.value * inner;
      double const r = m - model;
      cost += r * r;
      a11 += by_rate * by_rate;
      a12 += by_rate * by_amplitude;
      a22 += by_amplitude * by_amplitude;
      b1 += by_rate * r;
      b2 += by_amplitude * r;
    }
  }

  /// Marquardt's step: the diagonal grows by `damping` of itself, so units do not matter.
  QSM_HD RateAndAmplitude step(double damping) const {
    double const d1 = a11 * (1 + damping), d2 = a22 * (1 + damping);
    double const determinant = d1 * d2 - a12 * a12;
    return {(d2 * b1 - a12 * b2) / determinant, (d1 * b2 - a12 * b1) / determinant};
  }
};

QSM_HD RateAndAmplitude levenberg_marquardt(Decay const& decay, std::size_t n, RateAndAmplitude at,
                                            double floor) {
  constexpr int kMostSteps = 20;
  constexpr double kTolerance = 1e-5;
  double damping = 1e-4;
  NormalEquations here(decay, n, at, floor);
  for (int k = 0; k < kMostSteps; ++k) {
    RateAndAmplitude const step = here.step(damping);
    RateAndAmplitude const trial{at.rate + step.rate, at.amplitude + step.amplitude};
    NormalEquations const there(decay, n, trial, floor);
    if (!(there.cost <= here.cost)) {  // or not a number
      damping = fmax(10 * damping, 1e-3);
      continue;
    }
    at = trial;
    here = there;
    damping /= 10;
    if (fabs(step.rate) <= kTolerance * fmax(fabs(at.rate), 1.0)) break;
  }
  return at;
}

template <R2sMethod method>
struct FitDecay {
  Decay decay;
  Field<std::uint8_t const> mask;
  double floor;
  R2sFields out;

  QSM_HD void operator()(Index3 i) const {
    std::size_t const n = mask.grid.linear(i);
    RateAndAmplitude const fitted = mask.data[n] ? fit(n) : RateAndAmplitude{};
    out.r2s_per_s.data[n] = static_cast<float>(fitted.rate);
    if (out.m0) out.m0.data[n] = finite_or_zero(static_cast<float>(fitted.amplitude));
  }

  QSM_HD RateAndAmplitude fit(std::size_t n) const {
    if constexpr (method == R2sMethod::kNonlinear) {
      double const start = clamped(decay.spacing_s > 0 ? decay.arlo(n) : decay.log_linear(n));
      double const amplitude = decay.amplitude(n, start);
      if (!(amplitude > 0)) return {};
      auto const found = levenberg_marquardt(decay, n, {start, amplitude}, floor);
      double const rate = clamped(found.rate);
      return {rate, rate == found.rate ? found.amplitude : decay.amplitude(n, rate)};
    } else {
      bool const arlo = method == R2sMethod::kArlo;
      double const rate = clamped(arlo ? decay.arlo(n) : decay.log_linear(n));
      return {rate, out.m0 ? decay.amplitude(n, rate) : 0.0};
    }
  }

  QSM_HD static double clamped(double rate) {
    return is_finite(rate) ? fmin(fmax(rate, 0.0), kLargestRate) : 0.0;
  }
};

std::string spacing_text(std::vector<double> const& te_s) {
  std::string text;
  for (std::size_t e = 1; e < te_s.size(); ++e)
    text += (e > 1 ? ", " : "") + std::to_string(1e3 * (te_s[e] - te_s[e - 1]));
  return text;
}

}  // namespace

double echo_spacing_s(std::vector<double> const& te_s) {
  constexpr double kTolerance = 0.01;  // headers round to 10 us
  if (te_s.size() < 3) return 0;
  double const mean = (te_s.back() - te_s.front()) / static_cast<double>(te_s.size() - 1);
  for (std::size_t e = 1; e < te_s.size(); ++e)
    if (!(std::abs(te_s[e] - te_s[e - 1] - mean) <= kTolerance * mean)) return 0;
  return mean;
}

R2sMethod resolve(R2sMethod method, std::vector<double> const& te_s) {
  bool const equidistant = echo_spacing_s(te_s) > 0;
  if (method == R2sMethod::kAuto) method = equidistant ? R2sMethod::kArlo : R2sMethod::kLogLinear;
  std::size_t const fewest = method == R2sMethod::kArlo ? 3 : 2;
  require(te_s.size() >= fewest && te_s.size() <= kMaxEchoes, "ECHO_COUNT",
          "R2* needs " + std::to_string(fewest) + " to " + std::to_string(kMaxEchoes) +
              " echoes, not " + std::to_string(te_s.size()));
  echo_times(te_s);  // throws
  require(method != R2sMethod::kArlo || equidistant, "NOT_EQUIDISTANT",
          "ARLO needs equidistant echoes; the spacings are " + spacing_text(te_s) + " ms");
  return method;
}

template <class Device>
void fit_r2s(Device const& device, std::vector<Field<float const>> const& magnitudes,
             std::vector<double> const& te_s, Field<std::uint8_t const> mask,
             R2sOptions const& options, R2sFields const& out) {
  R2sMethod const method = resolve(options.method, te_s);
  require(count_voxels(device, mask) > 0, "EMPTY_MASK", "the mask holds no voxel to fit R2* in");
  Decay const decay{.magnitudes = echo_fields(magnitudes, te_s),
                    .te = echo_times(te_s),
                    .spacing_s = echo_spacing_s(te_s)};
  auto const run = [&](auto kernel) { for_each_voxel(device, mask.grid, kernel); };
  if (method == R2sMethod::kArlo)
    run(FitDecay<R2sMethod::kArlo>{decay, mask, 0, out});
  else if (method == R2sMethod::kLogLinear)
    run(FitDecay<R2sMethod::kLogLinear>{decay, mask, 0, out});
  else
    run(FitDecay<R2sMethod::kNonlinear>{decay, mask, options.noise_floor, out});
}

template void fit_r2s(ThisDevice const&, std::vector<Field<float const>> const&,
                      std::vector<double> const&, Field<std::uint8_t const>, R2sOptions const&,
                      R2sFields const&);

}  // namespace qsm
