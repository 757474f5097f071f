/// Volumes that one processor's run of a test leaves for the other's.
#pragma once

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>
#include <vector>

#include "device/device.hpp"

namespace qsm::test {

/// The CPU's run writes QSM_PARITY_FOLDER, the GPU's reads it.
inline constexpr bool kWritesRecord = std::is_same_v<ThisDevice, Cpu>;

inline std::filesystem::path record_path(std::string const& name) {
  return std::filesystem::path(QSM_PARITY_FOLDER) / (name + ".bin");
}

template <class T>
void write_record(std::string const& name, std::vector<T> const& values) {
  std::filesystem::create_directories(QSM_PARITY_FOLDER);
  std::ofstream file(record_path(name), std::ios::binary);
  file.write(reinterpret_cast<char const*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(T)));
}

/// Empty where there is no record, or one of another size.
template <class T>
std::vector<T> read_record(std::string const& name, std::size_t size) {
  std::vector<T> values(size);
  std::ifstream file(record_path(name), std::ios::binary);
  auto const bytes = static_cast<std::streamsize>(size * sizeof(T));
  file.read(reinterpret_cast<char*>(values.data()), bytes);
  if (file.gcount() != bytes) values.clear();
  return values;
}

struct Difference {
  double relative = 0;  // |a - b| / |b|
  double largest = 0;   // max |a - b|
};

template <class T>
Difference difference(std::vector<T> const& a, std::vector<T> const& b) {
  double error = 0, size = 0, largest = 0;
  for (std::size_t n = 0; n < b.size(); ++n) {
    double const d = std::abs(static_cast<double>(a[n]) - static_cast<double>(b[n]));
    if (!(d <= largest)) largest = d;  // keeps a NaN
    error += d * d;
    size += static_cast<double>(b[n]) * static_cast<double>(b[n]);
  }
  return {std::sqrt(error / size), largest};
}

}  // namespace qsm::test
