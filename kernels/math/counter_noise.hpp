/// Gaussian noise addressed by a counter: the value of (seed, stream, n) never depends on what was
/// drawn before, so volumes may be asked for in any order and by any number of threads.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "math/complex.hpp"

namespace qsm {

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection whose bits pass BigCrush on a
/// plain counter.
QSM_HD std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// The key of one stream of noise; `stream` counts whatever needs noise of its own.
QSM_HD std::uint64_t noise_key(std::uint64_t seed, std::uint64_t stream) {
  return mixed(mixed(seed) ^ (stream * 0xd1342543de82ef95ULL));
}

/// Uniform in [0, 1), 53 bits.
QSM_HD double uniform_at(std::uint64_t key, std::uint64_t n) {
  return static_cast<double>(mixed(key ^ mixed(n)) >> 11) * 0x1p-53;
}

/// Real and imaginary part independent, each of standard deviation 1 (Box-Muller on the two halves
/// of one hash: 24 bits each, so that no value exceeds 5.9).
QSM_HD Complex noise_at(std::uint64_t key, std::uint64_t n) {
  std::uint64_t const bits = mixed(key ^ mixed(n));
  float const u = (static_cast<float>(bits >> 40) + 0.5f) * 0x1p-24f;
  float const v = static_cast<float>((bits >> 8) & 0xffffffULL) * 0x1p-24f;
  float const radius = sqrtf(-2 * logf(u));
  float const angle = 2 * std::numbers::pi_v<float> * v;
  return {radius * cosf(angle), radius * sinf(angle)};
}

}  // namespace qsm
