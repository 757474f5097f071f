#include "background/vsharp_operator.hpp"

#include "device/launch.hpp"
#include "math/spherical_mean.hpp"

namespace qsm {
namespace {

struct RemainingPart {
  Field<Complex const> ball;
  float scale;  // 1/N of the transform pair
  Field<float> out;
  QSM_HD void operator()(Index3 k) const { out[k] = scale * (1 - ball[k].re); }
};

/// 4 + 2 bytes read and 4 written per voxel of the volume.
struct Filter {
  Field<float const> remaining;
  Field<Complex const> total;
  Field<Complex> out;
  QSM_HD void operator()(Index3 k) const { out[k] = remaining[k] * total[k]; }
};

/// The values of one shell; the others of `out` stay. 1 byte read, and 8 on the shell.
struct FillShell {
  Field<std::uint8_t const> shell;
  std::uint8_t wanted;
  Field<float const> filtered;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const {
    if (shell[i] == wanted) out[i] = filtered[i];
  }
};

/// M_k y. 5 bytes read, 4 written.
struct CutShell {
  Field<std::uint8_t const> shell;
  std::uint8_t wanted;
  Field<float const> in;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const { out[i] = shell[i] == wanted ? in[i] : 0.0f; }
};

/// 10 bytes read (6 for the first ball), 4 written.
struct AddFiltered {
  Field<float const> remaining;
  Field<Complex const> filtered;
  bool first;
  Field<Complex> sum;
  QSM_HD void operator()(Index3 k) const {
    Complex const term = remaining[k] * filtered[k];
    sum[k] = first ? term : sum[k] + term;
  }
};

struct ClearOutside {
  Field<std::uint8_t const> shell;
  std::uint8_t from, to;  // the shells that stay
  Field<float> values;
  QSM_HD void operator()(Index3 i) const {
    if (shell[i] < from || shell[i] > to) values[i] = 0;
  }
};

}  // namespace

template <class Device>
VsharpOperator<Device>::VsharpOperator(Device const& device, Vec3d voxel_mm,
                                       Shells<Device> const& shells, bool moment_match)
    : device_(device),
      fft_(device, fast_real_grid(shells.box.grid)),
      shell_(device, fft_.grid()),
      volume_(device, fft_.grid()),
      total_(device, fft_.half()),
      filtered_(device, fft_.half()) {
  for_each_voxel(device_, grid(),
                 Embed<std::uint8_t>{shells.index.view(), shells.box, shell_.field()});
  for (double const radius : shells.radii_mm) {
    place_ball(device_, ball_weights(voxel_mm, radius, moment_match), volume_.field());
    fft_.forward(volume_.view(), filtered_.field());
    remaining_.emplace_back(device_, fft_.half());
    for_each_voxel(device_, fft_.half(),
                   RemainingPart{filtered_.view(), fft_.scale(), remaining_.back().field()});
  }
}

template <class Device>
void VsharpOperator<Device>::apply(Field<float const> in, Field<float> out) {
  auto const count = static_cast<std::uint8_t>(remaining_.size());
  fft_.forward(in, total_.field());
  for (std::uint8_t k = 0; k < count; ++k) {
    for_each_voxel(device_, fft_.half(),
                   Filter{remaining_[k].view(), total_.view(), filtered_.field()});
    fft_.inverse(filtered_.field(), volume_.field());
    for_each_voxel(device_, grid(),
                   FillShell{.shell = shell_.view(),
                             .wanted = static_cast<std::uint8_t>(k + 1),
                             .filtered = volume_.view(),
                             .out = out});
  }
  for_each_voxel(device_, grid(), ClearOutside{shell_.view(), 1, count, out});
}

template <class Device>
void VsharpOperator<Device>::adjoint(Field<float const> in, Field<float> out) {
  auto const count = static_cast<std::uint8_t>(remaining_.size());
  for (std::uint8_t k = 0; k < count; ++k) {
    for_each_voxel(device_, grid(),
                   CutShell{.shell = shell_.view(),
                            .wanted = static_cast<std::uint8_t>(k + 1),
                            .in = in,
                            .out = volume_.field()});
    fft_.forward(volume_.view(), filtered_.field());
    for_each_voxel(device_, fft_.half(),
                   AddFiltered{.remaining = remaining_[k].view(),
                               .filtered = filtered_.view(),
                               .first = k == 0,
                               .sum = total_.field()});
  }
  fft_.inverse(total_.field(), out);
  for_each_voxel(device_, grid(),
                 ClearOutside{shell_.view(), 1, static_cast<std::uint8_t>(count + 1), out});
}

template class VsharpOperator<ThisDevice>;

}  // namespace qsm
