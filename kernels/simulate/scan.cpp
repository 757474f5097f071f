#include "simulate/scan.hpp"

#include <cmath>
#include <numbers>

#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "math/counter_noise.hpp"
#include "simulate/forward_field.hpp"
#include "simulate/head_sampling.hpp"

namespace qsm {
namespace {

/// Residual shim and transmit phase: polynomials over the head, at 80 mm from its middle of the
/// size of their coefficients. The quadratic terms are solid harmonics, as any field from outside
/// is.
struct Smooth {
  float x, y, z, xy, yz, zx, xx_yy, zz;
  QSM_HD float at(Vec3 lps_mm) const {
    float const u = lps_mm.x / 80, v = lps_mm.y / 80, w = lps_mm.z / 80;
    return x * u + y * v + z * w + xy * u * v + yz * v * w + zx * w * u + xx_yy * (u * u - v * v) +
           zz * (w * w - 0.5f * (u * u + v * v));
  }
};

Smooth smooth_terms(std::uint64_t seed, std::uint64_t stream, double size) {
  std::uint64_t const key = noise_key(seed, stream);
  auto const draw = [&](std::uint64_t n) {
    return static_cast<float>(size * (2 * uniform_at(key, n) - 1));
  };
  return {draw(0), draw(1), draw(2), draw(3), draw(4), draw(5), draw(6), draw(7)};
}

// Streams of the seed's randomness; the noise of (echo, coil) follows.
enum : std::uint64_t { kShimStream = 0, kTransmitStream = 1, kNoiseStreams = 2 };

struct LocalSources {
  Cells cells;
  Field<float const> chi;
  Field<std::uint8_t const> mask;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const { out[i] = mask[cells.voxel_of(i)] ? chi[i] : 0.0f; }
};

struct AddShim {
  Cells cells;
  Smooth shim;
  Field<float> field;
  QSM_HD void operator()(Index3 i) const { field[i] += shim.at(cells.centre(i)); }
};

struct Shift {
  Field<float> field;
  float by;
  QSM_HD void operator()(Index3 i) const { field[i] += by; }
};

struct InMask {
  Field<float const> values;
  Field<std::uint8_t const> mask;
  QSM_HD double operator()(Index3 i) const {
    return mask[i] ? static_cast<double>(values[i]) : 0.0;
  }
};

struct CountMask {
  Field<std::uint8_t const> mask;
  QSM_HD double operator()(Index3 i) const { return mask[i] ? 1.0 : 0.0; }
};

struct EchoSignal {
  Cells cells;
  Field<std::uint8_t const> tissue;
  Field<float const> field_ppm;
  TissueTable tissues;
  Smooth transmit;
  float te_s, radians_per_ppm;
  Field<Complex> out;
  Field<float> power;  // accumulates |S_e|^2 over the echoes

  QSM_HD void operator()(Index3 voxel) const {
    Complex sum;
    cells.for_each_cell(voxel, [&](Index3 cell) {
      TissueProperties const& t = tissues.of[tissue[cell]];
      if (t.proton_density <= 0) return;
      float const amplitude = t.proton_density * expf(-t.r2s * te_s);
      float const phase = radians_per_ppm * field_ppm[cell];
      sum = sum + Complex{amplitude * cosf(phase), amplitude * sinf(phase)};
    });
    float const phi0 = transmit.at(cells.voxel_centre(voxel));
    Complex const signal = (cells.share() * Complex{cosf(phi0), sinf(phi0)}) * sum;
    out[voxel] = signal;
    power[voxel] += norm(signal);
  }
};

struct AverageR2s {
  Cells cells;
  Field<std::uint8_t const> tissue;
  TissueTable tissues;
  Field<float> out;
  QSM_HD void operator()(Index3 voxel) const {
    float sum = 0;
    cells.for_each_cell(voxel, [&](Index3 cell) { sum += tissues.of[tissue[cell]].r2s; });
    out[voxel] = cells.share() * sum;
  }
};

struct SquareRoot {
  Field<float> values;
  QSM_HD void operator()(Index3 i) const { values[i] = sqrtf(values[i]); }
};

/// |S_1| sqrt(sum_c |s_c|^2) in white matter.
struct CombinedSignal {
  Cells cells;
  Field<Complex const> signal;
  Field<std::uint8_t const> labels;
  Field<Coil const> coils;
  QSM_HD double operator()(Index3 i) const {
    if (labels[i] != static_cast<std::uint8_t>(Tissue::kWhiteMatter)) return 0;
    float power = 0;
    for (int c = 0; c < coils.grid.nx; ++c)
      power += norm(coils.data[c].receive(cells.voxel_centre(i)));
    return static_cast<double>(sqrtf(norm(signal[i]) * power));
  }
};

struct CountWhite {
  Field<std::uint8_t const> labels;
  QSM_HD double operator()(Index3 i) const {
    return labels[i] == static_cast<std::uint8_t>(Tissue::kWhiteMatter) ? 1.0 : 0.0;
  }
};

QSM_HD int around(int i, int n) {
  return i >= n ? i - n : i;
}

/// out[i] = the noisy image at i + shift (around the border).
struct CoilImage {
  Cells cells;
  Field<Complex const> signal;
  Coil coil;
  std::uint64_t key;
  float sigma;
  Index3 shift;
  Field<Complex> out;

  QSM_HD void operator()(Index3 i) const {
    Grid const g = out.grid;
    Index3 const n{around(i.x + shift.x, g.nx), around(i.y + shift.y, g.ny),
                   around(i.z + shift.z, g.nz)};
    out[i] = coil.receive(cells.voxel_centre(n)) * signal[n] +
             sigma * noise_at(key, static_cast<std::uint64_t>(g.linear(n)));
  }
};

/// out[k'] = scale in[k' - Nc].
struct CentreSpectrum {
  Field<Complex const> in;
  Field<Complex> out;
  float scale;
  QSM_HD void operator()(Index3 k) const {
    Grid const g = out.grid;
    out[k] =
        scale * in[Index3{around(k.x + (g.nx + 1) / 2, g.nx), around(k.y + (g.ny + 1) / 2, g.ny),
                          around(k.z + (g.nz + 1) / 2, g.nz)}];
  }
};

}  // namespace

template <class Device>
HeadScan<Device>::HeadScan(Device const& device, ScanOptions options)
    : device_(&device),
      options_(std::move(options)),
      geometry_(scan_geometry(options_)),
      cells_(geometry_, options_.oversampling),
      coils_(coil_helmet(options_.coils, options_.head.scale)),
      fft_(device, options_.matrix),
      work_(device, options_.matrix) {
  SampledHead<Device> head(device, HeadPhantom(options_.head), cells_);
  simulate_fields(head);
  simulate_echoes(head);
  set_noise();
}

/// Labels, mask, chi and both fields; head.chi_ppm becomes the total field.
template <class Device>
void HeadScan<Device>::simulate_fields(SampledHead<Device>& head) {
  Device const& device = *device_;
  Grid const voxels = cells_.voxels;
  for (auto* const labels : {&truth_.labels, &truth_.mask}) *labels = {device, voxels};
  for (auto* const volume : {&truth_.chi_ppm, &truth_.local_field_ppm, &truth_.total_field_ppm})
    *volume = {device, voxels};
  label_voxels(device, cells_, head.tissue.view(), truth_.labels.field(), truth_.mask.field());
  double const count = sum_over(device, voxels, CountMask{truth_.mask.view()});
  require(count > 0, "EMPTY_MASK", "no brain lies in the field of view");
  average_cells(device, cells_, head.chi_ppm.view(), truth_.mask.view(), truth_.chi_ppm.field());

  ForwardField<Device> forward(device, cells_.grid, cells_.cell_mm(options_.voxel_mm),
                               geometry_.b0_direction(), options_.padding);
  {
    Buffer<Device, float> local(device, cells_.grid);
    for_each_voxel(device, cells_.grid,
                   LocalSources{cells_, head.chi_ppm.view(), truth_.mask.view(), local.field()});
    forward.apply(local.view(), local.field());
    average_cells(device, cells_, local.view(), {}, truth_.local_field_ppm.field());
  }
  Field<float> const total = head.chi_ppm.field();
  for_each_voxel(device, cells_.grid, Shift{total, -kAirChi});  // sources relative to air
  forward.apply(total, total);
  for_each_voxel(device, cells_.grid,
                 AddShim{cells_, smooth_terms(options_.seed, kShimStream, 0.2), total});
  average_cells(device, cells_, Field<float const>(total), {}, truth_.total_field_ppm.field());
  // The receiver is tuned to the brain.
  double const sum =
      sum_over(device, voxels, InMask{truth_.total_field_ppm.view(), truth_.mask.view()});
  auto const tuning = static_cast<float>(-sum / count);
  for_each_voxel(device, cells_.grid, Shift{total, tuning});
  for_each_voxel(device, voxels, Shift{truth_.total_field_ppm.field(), tuning});
}

template <class Device>
void HeadScan<Device>::simulate_echoes(SampledHead<Device> const& head) {
  Device const& device = *device_;
  for (auto* const volume : {&truth_.magnitude, &truth_.r2s}) *volume = {device, cells_.voxels};
  truth_.magnitude.zero();
  double const radians_per_ppm_s = 2 * std::numbers::pi * kGammaBar * options_.b0_t;
  for (double const te : options_.te_s) {
    auto& signal = signals_.emplace_back(device, cells_.voxels);
    for_each_voxel(device, cells_.voxels,
                   EchoSignal{cells_, head.tissue.view(), head.chi_ppm.view(), TissueTable{},
                              smooth_terms(options_.seed, kTransmitStream, 0.6),
                              static_cast<float>(te), static_cast<float>(radians_per_ppm_s * te),
                              signal.field(), truth_.magnitude.field()});
  }
  for_each_voxel(device, cells_.voxels, SquareRoot{truth_.magnitude.field()});
  for_each_voxel(device, cells_.voxels,
                 AverageR2s{cells_, head.tissue.view(), TissueTable{}, truth_.r2s.field()});
  device.synchronize();
}

template <class Device>
void HeadScan<Device>::set_noise() {
  Grid const voxels = cells_.voxels;
  double const white = sum_over(*device_, voxels, CountWhite{truth_.labels.view()});
  require(white > 0, "EMPTY_MASK", "no white matter in the field of view to measure noise against");
  Buffer<Device, Coil> const coils(*device_, list_grid(coils_), coils_);
  double const combined =
      sum_over(*device_, voxels,
               CombinedSignal{cells_, signals_.front().view(), truth_.labels.view(), coils.view()});
  sigma_ = combined / white / options_.snr;
}

template <class Device>
Field<Complex const> HeadScan<Device>::signal(int echo) const {
  require(echo >= 0 && echo < static_cast<int>(signals_.size()), "ECHO_OUT_OF_RANGE",
          "echo " + std::to_string(echo) + " of " + std::to_string(signals_.size()));
  return signals_[static_cast<std::size_t>(echo)].view();
}

template <class Device>
void HeadScan<Device>::shifted_image(int echo, int coil, Index3 shift, Field<Complex> out) const {
  Field<Complex const> const combined = signal(echo);
  require(coil >= 0 && coil < options_.coils, "COIL_OUT_OF_RANGE",
          "coil " + std::to_string(coil) + " of " + std::to_string(options_.coils));
  require(out.grid == options_.matrix, "SHAPE_MISMATCH", "a coil image has the matrix's grid");
  auto const stream =
      kNoiseStreams + static_cast<std::uint64_t>(echo) * 64 + static_cast<std::uint64_t>(coil);
  for_each_voxel(
      *device_, out.grid,
      CoilImage{cells_, combined, coils_[static_cast<std::size_t>(coil)],
                noise_key(options_.seed, stream), static_cast<float>(sigma_), shift, out});
}

template <class Device>
void HeadScan<Device>::coil_image(int echo, int coil, Field<Complex> out) const {
  shifted_image(echo, coil, {0, 0, 0}, out);
}

template <class Device>
void HeadScan<Device>::coil_kspace(int echo, int coil, Field<Complex> out) {
  Grid const g = options_.matrix;
  shifted_image(echo, coil, {g.nx / 2, g.ny / 2, g.nz / 2}, work_.field());
  fft_.forward(work_.field());
  for_each_voxel(*device_, g, CentreSpectrum{work_.view(), out, std::sqrt(fft_.scale())});
}

template <class Device>
std::size_t HeadScan<Device>::memory_bytes(ScanOptions const& options) {
  Cells const cells(scan_geometry(options), options.oversampling);
  std::size_t const fine = cells.grid.size() * (1 + 2 * sizeof(float));
  std::size_t const kept =
      cells.voxels.size() * (2 + 5 * sizeof(float) + (options.te_s.size() + 2) * sizeof(Complex));
  return fine + kept + ForwardField<Device>::memory_bytes(cells.grid, options.padding);
}

template class HeadScan<ThisDevice>;

}  // namespace qsm
