/// Raw k-space of the bench's phantom, held in host memory: what the whole chain is timed on.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "bench/phantom.hpp"
#include "coils/centered_fft.hpp"
#include "device/buffer.hpp"
#include "pipeline/scan.hpp"

namespace qsm::bench {

/// Every echo of every coil, with smooth sensitivities, receive phases and a signal-to-noise ratio
/// of about 100.
template <class Device>
class PhantomScan : public ScanSource {
 public:
  PhantomScan(Device const& device, Phantom const& phantom, int coils, std::vector<double> te_s) {
    description_.matrix = description_.encoded = phantom.grid;
    description_.te_s = std::move(te_s);
    description_.coils = coils;
    CenteredFft<Device> const fft(device, phantom.grid);
    Buffer<Device, Complex> volume(device, phantom.grid);
    for (double const te : description_.te_s) {
      auto const echo = phantom.echo(te);
      for (int c = 0; c < coils; ++c) {
        volume.upload(coil_image(phantom.grid, echo, c));
        fft.forward(volume.field());
        kspace_.push_back(volume.to_host());
      }
    }
  }

  ScanDescription const& description() const { return description_; }

  void read(int echo, int coil, std::span<Complex> volume) override {
    auto const& from = kspace_[static_cast<std::size_t>(echo * description_.coils + coil)];
    auto const size = static_cast<std::ptrdiff_t>(from.size());
#pragma omp parallel for schedule(static)
    for (std::ptrdiff_t n = 0; n < size; ++n)
      volume[static_cast<std::size_t>(n)] = from[static_cast<std::size_t>(n)];
  }

 private:
  static std::vector<Complex> coil_image(Grid g, std::vector<Complex> image, int coil) {
    std::minstd_rand random(static_cast<unsigned>(coil) + 1);
    std::uniform_real_distribution<float> noise(-0.02f, 0.02f);
    Complex const receive = {static_cast<float>(std::cos(coil)),
                             static_cast<float>(std::sin(coil))};
    for (std::size_t n = 0; n < image.size(); ++n) {
      Index3 const i = g.index(n);
      float const along = static_cast<float>(coil % 2 == 0 ? i.x : i.y) /
                          static_cast<float>(coil % 2 == 0 ? g.nx : g.ny);
      image[n] = (0.6f + 0.4f * along) * (receive * image[n]);
      image[n] = image[n] + Complex{noise(random), noise(random)};
    }
    return image;
  }

  ScanDescription description_;
  std::vector<std::vector<Complex>> kspace_;
};

}  // namespace qsm::bench
