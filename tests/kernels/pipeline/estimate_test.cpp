// estimate_peak_bytes() beside what the chain is measured to hold, for heads that fill their volume
// (the estimate cannot know the mask before the data).
#include <malloc.h>

#include <cmath>
#include <string>

#include "coils/centered_fft.hpp"
#include "pipeline/pipeline.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

/// An ellipsoid that touches every side of its volume, with a little smooth phase.
class FilledVolume : public ScanSource {
 public:
  FilledVolume(ThisDevice const& device, ScanDescription const& scan) {
    Grid const g = scan.encoded, inner = scan.matrix;
    for (double const te : scan.te_s) {
      std::vector<Complex> image(g.size());
      for (std::size_t n = 0; n < image.size(); ++n) {
        Index3 const i = g.index(n);
        auto const along = [](int c, int whole, int part) {
          return 2.0 * (c - whole / 2) / (part - 1);  // -1 to 1 across the reconstructed volume
        };
        double const x = along(i.x, g.nx, inner.nx), y = along(i.y, g.ny, inner.ny),
                     z = along(i.z, g.nz, inner.nz);
        if (x * x + y * y + z * z > 1) continue;
        double const phase = 100 * te * (x + y * z), decay = std::exp(-20 * te);
        image[n] = {static_cast<float>(decay * std::cos(phase)),
                    static_cast<float>(decay * std::sin(phase))};
      }
      if (scan.is_kspace) {
        Buffer<ThisDevice, Complex> data(device, g, image);
        CenteredFft<ThisDevice>(device, g).forward(data.field());
        image = data.to_host();
      }
      echoes_.push_back(std::move(image));
    }
  }

  void read(int echo, int, std::span<Complex> volume) override {
    std::ranges::copy(echoes_[static_cast<std::size_t>(echo)], volume.begin());
  }

 private:
  std::vector<std::vector<Complex>> echoes_;
};

/// Bytes of the host's heap in use.
std::uint64_t heap_bytes() {
  struct mallinfo2 const info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

struct Case {
  std::string name;
  Grid matrix;
  std::vector<double> te_s = {0.004, 0.010, 0.016, 0.022, 0.028};
  int coils = 2;
  Vec3d voxel_mm = {1, 1, 1};
  bool is_kspace = true;
  int oversampling = 1;
  CoilMethod coil_method = CoilMethod::kMcpc3ds;
  BackgroundMethod background = BackgroundMethod::kVsharpLs;
  InversionMethod inversion = InversionMethod::kWeakHarmonic;
  int pad_voxels = -1;
  bool uncertainty = false;
};

void PrintTo(Case const& c, std::ostream* out) {
  *out << c.name;
}

class EstimateTest : public test::DeviceTest, public ::testing::WithParamInterface<Case> {};

TEST_P(EstimateTest, IsWithin15PercentOfThePeak) {
  if (heap_bytes() == 0) GTEST_SKIP() << "this heap, as a sanitizer's, does not count itself";
  Case const& c = GetParam();
  ScanDescription const scan{.matrix = c.matrix,
                             .encoded = {c.oversampling * c.matrix.nx, c.matrix.ny, c.matrix.nz},
                             .voxel_mm = c.voxel_mm,
                             .te_s = c.te_s,
                             .coils = c.coils,
                             .is_kspace = c.is_kspace};
  PipelineOptions options;
  options.coil_method = c.coil_method;
  options.background.method = c.background;
  options.inversion = c.inversion;
  options.variational.pad_voxels = c.pad_voxels;
  options.variational.max_iterations = 2;
  options.extra.uncertainty = c.uncertainty;
  FilledVolume source(device(), scan);
  constexpr std::uint64_t kProgram = 64u << 20;  // part of the estimate, and here before
  double const estimate = static_cast<double>(estimate_peak_bytes(scan, options) - kProgram);

  std::uint64_t const before = heap_bytes();
  std::uint64_t host = 0;
  auto const result =
      reconstruct(device(), scan, source, options, {}, [&](PipelineProgress const&) {
        // On the processor the buffers are of the same heap.
        std::uint64_t const buffers =
            std::is_same_v<ThisDevice, Cpu> ? device().meter().in_use.load() : 0;
        host = std::max(host, heap_bytes() - before - buffers);
      });
  std::printf("%-14s estimate %6.1f MiB  buffers %6.1f  host %6.1f\n", c.name.c_str(),
              estimate / (1 << 20), static_cast<double>(result.peak_device_bytes) / (1 << 20),
              static_cast<double>(host) / (1 << 20));
  EXPECT_NEAR(estimate / static_cast<double>(result.peak_device_bytes + host), 1, 0.15);
}

using enum BackgroundMethod;
std::vector<double> const kOne = {0.02}, kThree = {0.005, 0.012, 0.019};
std::vector<double> const kTwelve = {0.002, 0.004, 0.006, 0.008, 0.010, 0.012,
                                     0.014, 0.016, 0.018, 0.020, 0.022, 0.024};

INSTANTIATE_TEST_SUITE_P(
    Shapes, EstimateTest,
    ::testing::Values(
        Case{.name = "cube", .matrix = {96, 96, 96}},
        Case{.name = "head", .matrix = {120, 144, 108}},
        Case{.name = "odd", .matrix = {107, 91, 83}},
        Case{.name = "slab", .matrix = {160, 160, 40}},
        Case{.name = "thick_slices", .matrix = {144, 144, 48}, .voxel_mm = {1, 1, 3}},
        Case{.name = "fine", .matrix = {128, 128, 64}, .voxel_mm = {0.6, 0.6, 0.6}},
        Case{.name = "one_echo", .matrix = {112, 112, 80}, .te_s = kOne},
        Case{.name = "three_echoes", .matrix = {112, 112, 80}, .te_s = kThree},
        Case{.name = "twelve_echoes", .matrix = {112, 112, 80}, .te_s = kTwelve},
        Case{.name = "images", .matrix = {112, 112, 80}, .is_kspace = false},
        Case{.name = "oversampled", .matrix = {112, 112, 80}, .oversampling = 2},
        Case{.name = "nonlinear_tv",
             .matrix = {112, 112, 80},
             .te_s = kOne,
             .inversion = InversionMethod::kNltv},
        Case{.name = "medi",
             .matrix = {112, 112, 80},
             .te_s = kOne,
             .inversion = InversionMethod::kMedi},
        Case{.name = "tgv",
             .matrix = {112, 112, 80},
             .te_s = kOne,
             .inversion = InversionMethod::kTgv},
        Case{.name = "adaptive", .matrix = {96, 112, 80}, .coil_method = CoilMethod::kAdaptive},
        Case{.name = "direct_vsharp", .matrix = {112, 112, 80}, .background = kVsharp},
        Case{.name = "pad_16", .matrix = {112, 112, 80}, .pad_voxels = 16},
        Case{.name = "uncertainty",
             .matrix = {112, 112, 80},
             .te_s = kThree,
             .coil_method = CoilMethod::kAdaptive,
             .uncertainty = true}),
    [](auto const& tested) { return tested.param.name; });

}  // namespace
}  // namespace qsm
