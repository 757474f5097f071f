/// From the oracles' doubles to device buffers and back to one number.
#pragma once

#include <algorithm>
#include <cmath>

#include "device/buffer.hpp"
#include "math/complex.hpp"
#include "math/vec.hpp"
#include "support/oracle_volume.hpp"
#include "support/this_device.hpp"

namespace qsm::test {

inline Grid grid(oracle::Size s) {
  return {s.nx, s.ny, s.nz};
}
inline Vec3d vec(oracle::Vector v) {
  return {v[0], v[1], v[2]};
}

inline Buffer<ThisDevice, float> upload(ThisDevice const& device, oracle::Real const& v) {
  std::vector<float> const values(v.data.begin(), v.data.end());
  return {device, grid(v.size), values};
}
inline Buffer<ThisDevice, std::uint8_t> upload(ThisDevice const& device, oracle::Mask const& m) {
  return {device, grid(m.size), m.data};
}
inline Buffer<ThisDevice, Complex> upload(ThisDevice const& device, oracle::Spectrum const& v) {
  std::vector<Complex> values;
  for (auto const& c : v.data)
    values.push_back({static_cast<float>(c.real()), static_cast<float>(c.imag())});
  return {device, grid(v.size), values};
}

inline oracle::Real download(Buffer<ThisDevice, float> const& b) {
  auto const values = b.to_host();
  oracle::Real v({b.grid().nx, b.grid().ny, b.grid().nz});
  v.data.assign(values.begin(), values.end());
  return v;
}
inline oracle::Mask download(Buffer<ThisDevice, std::uint8_t> const& b) {
  oracle::Mask v({b.grid().nx, b.grid().ny, b.grid().nz});
  v.data = b.to_host();
  return v;
}
inline oracle::Spectrum download(Buffer<ThisDevice, Complex> const& b) {
  oracle::Spectrum v({b.grid().nx, b.grid().ny, b.grid().nz});
  auto const values = b.to_host();
  for (std::size_t n = 0; n < values.size(); ++n)
    v.data[n] = {static_cast<double>(values[n].re), static_cast<double>(values[n].im)};
  return v;
}

/// |a - b| / |b|, Euclidean.
template <class T>
double relative_error(oracle::Volume<T> const& a, oracle::Volume<T> const& b) {
  double error = 0, size = 0;
  for (std::size_t n = 0; n < a.data.size(); ++n) {
    error += std::norm(a.data[n] - b.data[n]);
    size += std::norm(b.data[n]);
  }
  return std::sqrt(error / size);
}

inline double largest_error(oracle::Real const& a, oracle::Real const& b) {
  double largest = 0;
  for (std::size_t n = 0; n < a.data.size(); ++n) {
    double const error = std::abs(a.data[n] - b.data[n]);
    if (!(error <= largest)) largest = error;  // keeps a NaN
  }
  return largest;
}

inline std::size_t differing(oracle::Mask const& a, oracle::Mask const& b) {
  std::size_t count = 0;
  for (std::size_t n = 0; n < a.data.size(); ++n) count += a.data[n] != b.data[n];
  return count;
}

}  // namespace qsm::test
