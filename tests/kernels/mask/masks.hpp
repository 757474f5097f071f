/// How well two masks agree.
#pragma once

#include <cstdint>
#include <vector>

namespace qsm::test {

inline double dice(std::vector<std::uint8_t> const& a, std::vector<std::uint8_t> const& b) {
  double both = 0, sum = 0;
  for (std::size_t n = 0; n < a.size(); ++n) {
    both += a[n] && b[n];
    sum += (a[n] != 0) + (b[n] != 0);
  }
  return sum > 0 ? 2 * both / sum : 0;
}

}  // namespace qsm::test
