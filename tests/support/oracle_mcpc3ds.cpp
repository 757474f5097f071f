#include "support/oracle_mcpc3ds.hpp"

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
