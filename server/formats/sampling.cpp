#include "formats/sampling.hpp"

#include <algorithm>
#include <cmath>

#include "formats/format_error.hpp"

namespace chistream {

namespace {

std::string percent(double part, double whole) {
  return std::to_string(std::lround(100 * part / whole)) + " %";
}

/// How many lines an axis lacks below and above what was measured.
struct Gaps {
  std::uint32_t below, above;

  // An even axis has a line at -N/2 and none at +N/2: a symmetric scan may leave it out.
  bool none() const { return below <= 1 && above == 0; }
  bool one_sided() const { return !none() && (below <= 1 || above == 0); }
};

bool reaches_beyond_centre(std::uint32_t first, std::uint32_t last, std::uint32_t size) {
  std::uint32_t const centre = size / 2, margin = size / 16;
  return first + margin <= centre && centre + margin <= last;
}

}  // namespace

SampledLines::SampledLines(std::uint32_t size_y, std::uint32_t size_z)
    : size_y_(size_y),
      size_z_(size_z),
      hits_(std::size_t{size_y} * size_z),
      missing_(hits_.size()) {}

void SampledLines::add(std::uint32_t y, std::uint32_t z) {
  auto& hits = hits_[std::size_t{z} * size_y_ + y];
  if (hits++ == 0) --missing_;
  most_ = std::max(most_, hits);
}

SampledLines::Range SampledLines::range(bool along_y) const {
  Range found{along_y ? size_y_ : size_z_, 0};
  for (std::uint32_t z = 0; z < size_z_; ++z)
    for (std::uint32_t y = 0; y < size_y_; ++y)
      if (at(y, z)) {
        std::uint32_t const i = along_y ? y : z;
        found = {std::min(found.first, i), std::max(found.last, i)};
      }
  return found;
}

std::uint32_t SampledLines::spacing(bool along_y) const {
  std::uint32_t const n = along_y ? size_y_ : size_z_;
  std::uint32_t const m = along_y ? size_z_ : size_y_;
  std::vector<std::uint32_t> used;
  for (std::uint32_t i = 0; i < n; ++i)
    for (std::uint32_t j = 0; j < m; ++j)
      if (along_y ? at(i, j) : at(j, i)) {
        used.push_back(i);
        break;
      }
  if (used.size() < 2) return 1;
  std::uint32_t const step = used[1] - used[0];
  for (std::size_t i = 2; i < used.size(); ++i)
    if (used[i] - used[i - 1] != step) return 1;
  return n - used.back() > step || used.front() >= step ? 1 : step;
}

/// Whether every line of the ranges was measured, but for those beyond the ellipse around k = 0
/// through their far ends (less a line and a half, for programs round differently).
bool SampledLines::fills_ellipse(Range y, Range z) const {
  auto const half_axis = [](Range r, std::uint32_t size) {
    double const centre = size / 2;
    return std::max(centre - r.first, r.last - centre) + 0.5;
  };
  double const a = half_axis(y, size_y_), b = half_axis(z, size_z_);
  double const inside = std::max(1 - 1.5 / std::min(a, b), 0.8);
  for (std::uint32_t k = z.first; k <= z.last; ++k)
    for (std::uint32_t j = y.first; j <= y.last; ++j)
      if (!at(j, k) &&
          std::hypot((j - double(size_y_ / 2)) / a, (k - double(size_z_ / 2)) / b) < inside)
        return false;
  return true;
}

/// Whether lines are missing on one side of k = 0 as on the other: an ellipse is symmetric, a scan
/// that was cut short is not. One in twenty may differ, by how programs round.
bool SampledLines::symmetric(Range y, Range z) const {
  std::size_t missing = 0, lonely = 0;
  for (std::uint32_t k = z.first; k <= z.last; ++k)
    for (std::uint32_t j = y.first; j <= y.last; ++j) {
      if (at(j, k)) continue;
      ++missing;
      std::uint32_t const mirror_y = 2 * (size_y_ / 2) - j, mirror_z = 2 * (size_z_ / 2) - k;
      bool const measurable =
          mirror_y >= y.first && mirror_y <= y.last && mirror_z >= z.first && mirror_z <= z.last;
      if (measurable && at(mirror_y, mirror_z)) ++lonely;
    }
  return lonely <= missing / 20;
}

std::string SampledLines::describe(std::size_t echo) const {
  if (missing_ == 0) return "";
  if (missing_ == hits_.size()) refuse(echo);
  Range const y = range(true), z = range(false);
  if (!reaches_beyond_centre(y.first, y.last, size_y_) ||
      !reaches_beyond_centre(z.first, z.last, size_z_) || !fills_ellipse(y, z) || !symmetric(y, z))
    refuse(echo);
  Gaps const gaps[] = {{y.first, size_y_ - 1 - y.last}, {z.first, size_z_ - 1 - z.last}};
  std::string const measured = percent(y.last - y.first + 1, size_y_) + " along y and " +
                               percent(z.last - z.first + 1, size_z_) + " along z";
  if (gaps[0].one_sided() || gaps[1].one_sided())
    return "PARTIAL_FOURIER: " + measured + " was measured, more on one side; the rest is zero";
  if (!gaps[0].none() || !gaps[1].none())
    return "REDUCED_SAMPLING: " + measured +
           " was measured around the centre; the resolution is that of what was measured";
  return "ELLIPTICAL_SAMPLING: " +
         percent(static_cast<double>(missing_), static_cast<double>(hits_.size())) +
         " of the lines, beyond an ellipse, were not measured and are zero";
}

void SampledLines::refuse(std::size_t echo) const {
  std::string message = std::to_string(missing_) + " of " + std::to_string(hits_.size()) +
                        " k-space lines of echo " + std::to_string(echo + 1) + " are missing";
  std::uint32_t const along_y = spacing(true), along_z = spacing(false);
  if (along_y > 1 || along_z > 1)
    message += "; the scan is undersampled by R = " + std::to_string(along_y) +
               " along y and R = " + std::to_string(along_z) + " along z";
  throw FormatError("UNDERSAMPLED", message,
                    "send a fully sampled scan, or images reconstructed by the scanner");
}

}  // namespace chistream
