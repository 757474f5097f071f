#include "formats/sample_scan.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace chistream {

void Extent::merge(Extent const& other) {
  minimum = std::min(minimum, other.minimum);
  maximum = std::max(maximum, other.maximum);
}

SampleScan scan_samples(std::span<std::byte const> bytes) {
  constexpr std::uint32_t kExponent = 0x7f800000u;  // all ones for NaN and infinity alone
  constexpr std::size_t kBlock = 1u << 24;          // so that 32-bit counters cannot overflow
  SampleScan scan;
  while (bytes.size() >= sizeof(float)) {
    std::size_t const values = std::min(bytes.size() / sizeof(float), kBlock);
    std::uint32_t non_finite = 0;
    std::uint32_t seen = 0;
    for (std::size_t i = 0; i < values; ++i) {
      std::uint32_t bits;
      std::memcpy(&bits, bytes.data() + i * sizeof(bits), sizeof(bits));
      non_finite += (bits & kExponent) == kExponent ? 1u : 0u;
      seen |= bits << 1;  // without the sign: minus zero is zero
    }
    scan.merge({non_finite, seen != 0});
    bytes = bytes.subspan(values * sizeof(float));
  }
  return scan;
}

Extent extent_of(std::span<std::byte const> bytes) {
  Extent extent;
  for (std::size_t i = 0; i + sizeof(float) <= bytes.size(); i += sizeof(float)) {
    float value;
    std::memcpy(&value, bytes.data() + i, sizeof(value));
    if (!std::isfinite(value)) continue;
    extent.minimum = std::min(extent.minimum, value);
    extent.maximum = std::max(extent.maximum, value);
  }
  return extent;
}

}  // namespace chistream
