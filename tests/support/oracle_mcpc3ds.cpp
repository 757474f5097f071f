#include "support/oracle_mcpc3ds.hpp"

#include <algorithm>
#include <cmath>

namespace qsm::oracle {

Spectrum hermitian_inner_product(std::vector<Spectrum> const& echo1,
                                 std::vector<Spectrum> const& echo2) {
  Spectrum h(echo1[0].size);
  for (std::size_t c = 0; c < echo1.size(); ++c)
    for (std::size_t n = 0; n < h.data.size(); ++n)
      h.data[n] += echo2[c].data[n] * std::conj(echo1[c].data[n]);
  return h;
}

Spectrum gaussian_sum(Spectrum const& x, Vector sigma_voxels) {
  Spectrum y = x;
  for (int axis = 0; axis < 3; ++axis) {
    double const sigma = sigma_voxels[static_cast<std::size_t>(axis)];
    int const radius = static_cast<int>(std::ceil(3 * sigma));
    Spectrum const from = y;
    every_voxel(x.size, [&](Voxel v) {
      Complex sum = 0;
      for (int o = -radius; o <= radius; ++o) {
        Voxel n = v;
        n[axis] += o;
        if (from.contains(n)) sum += std::exp(-0.5 * o * o / (sigma * sigma)) * from.at(n);
      }
      y.at(v) = sum;
    });
  }
  return y;
}

Spectrum gaussian_mean(Spectrum const& x, Mask const& mask, Vector sigma_voxels) {
  Spectrum inside(x.size), indicator(x.size);
  for (std::size_t n = 0; n < x.data.size(); ++n)
    if (mask.data[n]) {
      inside.data[n] = x.data[n];
      indicator.data[n] = 1;
    }
  Spectrum mean = gaussian_sum(inside, sigma_voxels);
  Spectrum const total = gaussian_sum(indicator, sigma_voxels);
  for (std::size_t n = 0; n < x.data.size(); ++n)
    mean.data[n] = total.data[n].real() > 0 ? mean.data[n] / total.data[n].real() : 0.0;
  return mean;
}

Real coil_offset(Spectrum const& coil_echo1, Real const& phase_difference, Mask const& mask,
                 double te1, double te2, Vector sigma_voxels) {
  Spectrum referred(coil_echo1.size);
  for (std::size_t n = 0; n < referred.data.size(); ++n) {
    double const psi = te1 / (te2 - te1) * phase_difference.data[n];
    referred.data[n] = coil_echo1.data[n] * std::polar(1.0, -psi);
  }
  Spectrum const smooth = gaussian_mean(referred, mask, sigma_voxels);
  Real offset(smooth.size);
  for (std::size_t n = 0; n < offset.data.size(); ++n) offset.data[n] = std::arg(smooth.data[n]);
  return offset;
}

Spectrum virtual_reference(std::vector<Spectrum> const& coils, std::size_t& voxel) {
  double best = -1;
  for (std::size_t n = 0; n < coils[0].data.size(); ++n) {
    double weakest = std::abs(coils[0].data[n]);
    for (auto const& coil : coils) weakest = std::min(weakest, std::abs(coil.data[n]));
    if (weakest > best) {
      best = weakest;
      voxel = n;
    }
  }
  Spectrum conjugate(coils[0].size);
  for (auto const& coil : coils)
    for (std::size_t n = 0; n < coil.data.size(); ++n)
      conjugate.data[n] += std::conj(coil.data[n] * std::polar(1.0, -std::arg(coil.data[voxel])));
  return conjugate;
}

Real offset_to(Spectrum const& reference_conjugate, Spectrum const& coil, Vector sigma_voxels) {
  Spectrum product(coil.size);
  for (std::size_t n = 0; n < coil.data.size(); ++n)
    product.data[n] = coil.data[n] * reference_conjugate.data[n];
  Spectrum const smooth = gaussian_sum(product, sigma_voxels);
  Real offset(coil.size);
  for (std::size_t n = 0; n < offset.data.size(); ++n) offset.data[n] = std::arg(smooth.data[n]);
  return offset;
}

Real bipolar_residual(std::vector<Spectrum> const& echoes, Mask const& mask, double k,
                      Vector sigma_voxels, int passes) {
  Real estimate(mask.size);
  for (int pass = 0; pass < passes; ++pass) {
    Spectrum left(mask.size);
    for (std::size_t n = 0; n < left.data.size(); ++n) {
      auto const angle = [&](std::size_t e) { return std::arg(echoes[e].data[n]); };
      if (mask.data[n])
        left.data[n] = std::abs(echoes[0].data[n]) * std::abs(echoes[2].data[n]) *
                       std::polar(1.0, angle(0) + angle(2) - k * angle(1) - estimate.data[n]);
    }
    Spectrum const smooth = gaussian_sum(left, sigma_voxels);
    for (std::size_t n = 0; n < left.data.size(); ++n)
      estimate.data[n] = mask.data[n] ? estimate.data[n] + std::arg(smooth.data[n]) : 0;
  }
  return estimate;
}

Spectrum combine(std::vector<Spectrum> const& coils, std::vector<Real> const& offsets) {
  Spectrum combined(coils[0].size);
  for (std::size_t n = 0; n < combined.data.size(); ++n) {
    Complex sum = 0;
    for (std::size_t c = 0; c < coils.size(); ++c)
      sum += std::abs(coils[c].data[n]) * coils[c].data[n] * std::polar(1.0, -offsets[c].data[n]);
    combined.data[n] = std::polar(std::sqrt(std::abs(sum)), std::arg(sum));
  }
  return combined;
}

}  // namespace qsm::oracle
