/// Problems of dipole inversion that kernels and oracles are both given.
#pragma once

#include "support/oracle_dipole.hpp"
#include "support/oracle_volume.hpp"

namespace qsm::test {

struct Case {
  oracle::Size size;
  oracle::Vector voxel_mm, b0;
  int pad = 0;
};

inline Case const kCases[] = {{{7, 5, 6}, {1, 1, 1}, {0, 0, 1}, 0},
                              {{12, 9, 10}, {0.8, 1.1, 2}, {0.2, -0.3, 0.9}, 0},
                              {{9, 8, 7}, {1, 1, 3}, {0.1, 0.4, 2}, 5},
                              {{10, 11, 14}, {2, 1, 1}, {0.5, 0.5, 0.5}, 2}};

inline oracle::Real padded(oracle::Real const& v, int pad) {
  oracle::Real wide({v.size.nx + pad, v.size.ny + pad, v.size.nz + pad});
  oracle::every_voxel(v.size, [&](oracle::Voxel n) { wide.at(n) = v.at(n); });
  return wide;
}

inline oracle::Real masked_crop(oracle::Real const& wide, oracle::Mask const& mask, double scale) {
  oracle::Real v(mask.size);
  oracle::every_voxel(v.size, [&](oracle::Voxel n) {
    if (mask.at(n)) v.at(n) = scale * wide.at(n);
  });
  return v;
}

// Two bodies of susceptibility with noise on their field; everything to float, as the kernel sees
// it.
inline oracle::Real field_of_two_bodies(Case const& c) {
  oracle::Real chi(c.size);
  oracle::every_voxel(c.size, [&](oracle::Voxel v) {
    if (v.i > 1 && v.i < 4 && v.j > 1 && v.k > 2) chi.at(v) = 0.3;
    if (v.i > 4 && v.j < 3 && v.k < 4) chi.at(v) = -0.15;
  });
  oracle::Real field = oracle::dipole_field(chi, c.voxel_mm, c.b0);
  oracle::Real const noise = oracle::random_volume(c.size, 4);
  for (std::size_t n = 0; n < field.data.size(); ++n) field.data[n] += 0.01 * noise.data[n];
  return oracle::rounded(field);
}

}  // namespace qsm::test
