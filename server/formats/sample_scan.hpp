/// One pass over samples where they lie: what is not finite, what is zero, how far phase reaches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace chistream {

struct SampleScan {
  std::uint64_t non_finite = 0;  // float32 values that are NaN or infinite
  bool any_nonzero = false;

  void merge(SampleScan const& other) {
    non_finite += other.non_finite;
    any_nonzero = any_nonzero || other.any_nonzero;
  }
};

struct Extent {
  float minimum = std::numeric_limits<float>::infinity();
  float maximum = -std::numeric_limits<float>::infinity();

  void merge(Extent const& other);
};

/// `bytes`: float32 at any alignment; complex samples count as two values. Vectorises to integer
/// compares, so it runs at the speed of memory.
SampleScan scan_samples(std::span<std::byte const> bytes);

/// Smallest and largest finite value.
Extent extent_of(std::span<std::byte const> bytes);

}  // namespace chistream
