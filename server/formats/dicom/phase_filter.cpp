#include "formats/dicom/phase_filter.hpp"

#include <cmath>
#include <complex>
#include <vector>

namespace chistream::dicom {

double phase_coherence(EchoView const& echo) {
  constexpr std::size_t kColumns = 8, kRows = 8, kSlices = 4;
  std::size_t const slices = echo.first.size() / (echo.columns * echo.rows);
  std::size_t const across = (echo.columns + kColumns - 1) / kColumns;
  std::size_t const down = (echo.rows + kRows - 1) / kRows;
  std::vector<std::complex<double>> blocks(across * down * ((slices + kSlices - 1) / kSlices));
  std::size_t i = 0;
  for (std::size_t z = 0; z < slices; ++z)
    for (std::size_t y = 0; y < echo.rows; ++y)
      for (std::size_t x = 0; x < echo.columns; ++x, ++i) {
        double const a = echo.first[i], b = echo.second[i];
        blocks[(z / kSlices * down + y / kRows) * across + x / kColumns] +=
            echo.complex ? std::complex(a, b) : std::polar(std::abs(a), b);
      }
  std::complex<double> together = 0;
  double apart = 0;
  for (auto const& block : blocks) {
    together += block;
    apart += std::abs(block);
  }
  return apart > 0 ? std::abs(together) / apart : 0;
}

}  // namespace chistream::dicom
