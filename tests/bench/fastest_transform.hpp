/// The floor of whatever transforms volumes: the library's own three-dimensional transform with the
/// plan that its planner found fastest by measuring, timed alone. On the CPU that is not what the
/// kernels use (device/cpu/line_fft.hpp); on CUDA cuFFT has one plan.
#pragma once

#include <functional>

#include "device/buffer.hpp"
#include "device/fft.hpp"

#if !defined(QSM_DEVICE_CUDA)
#include <fftw3.h>
#include <omp.h>
#endif

namespace qsm::bench {

/// Calls time(transform) with a forward transform of `grid`, complex or real; returns what it does.
template <class Device>
double with_fastest_transform(Device const& device, Grid grid, bool is_real,
                              std::function<double(std::function<void()> const&)> const& time) {
  Buffer<Device, Complex> spectrum(device, is_real ? half_grid(grid) : grid);
#if defined(QSM_DEVICE_CUDA)
  spectrum.zero();
  if (!is_real) {
    ComplexFft<Device> const fft(device, grid);
    return time([&] { fft.forward(spectrum.field()); });
  }
  Buffer<Device, float> volume(device, grid);
  volume.zero();
  RealFft<Device> const fft(device, grid);
  return time([&] { fft.forward(volume.view(), spectrum.field()); });
#else
  static bool const threads_ready = fftwf_init_threads() != 0;
  if (threads_ready) fftwf_plan_with_nthreads(omp_get_max_threads());
  auto* const out = reinterpret_cast<fftwf_complex*>(spectrum.field().data);
  Buffer<Device, float> volume(device, is_real ? grid : Grid{1, 1, 1});
  fftwf_plan const plan =
      is_real
          ? fftwf_plan_dft_r2c_3d(grid.nz, grid.ny, grid.nx, volume.field().data, out, FFTW_MEASURE)
          : fftwf_plan_dft_3d(grid.nz, grid.ny, grid.nx, out, out, FFTW_FORWARD, FFTW_MEASURE);
  spectrum.zero();  // planning overwrote both
  volume.zero();
  double const seconds = time([&] { fftwf_execute(plan); });
  fftwf_destroy_plan(plan);
  return seconds;
#endif
}

}  // namespace qsm::bench
