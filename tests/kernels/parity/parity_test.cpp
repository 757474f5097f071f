// The same numbers from both processors. The CPU's run of this program records what goes into each
// stage and what comes out; the GPU's run gets the recorded input of each stage, so that no
// difference is inherited, and is compared with the recorded output.
#include <cstdio>
#include <cstring>

#include "background/background.hpp"
#include "inversion/closed_form.hpp"
#include "inversion/variational.hpp"
#include "kernels/parity/recorded.hpp"
#include "mask/make_mask.hpp"
#include "pipeline/combine.hpp"
#include "pipeline/total_field.hpp"
#include "relaxometry/r2s.hpp"
#include "simulate/scan.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

constexpr double kPhaseScale = 14;

class ParityTest : public test::DeviceTest {
 protected:
  ParityTest() {
    options_.matrix = {72, 81, 64};
    options_.voxel_mm = {2.2, 2.2, 2.4};
    options_.axes = oblique_axes(20, 8);
    options_.te_s = {0.004, 0.011, 0.018};
    options_.coils = 3;
    options_.oversampling = 1;
  }
  void SetUp() override {
    test::DeviceTest::SetUp();
    if (!test::kWritesRecord && !std::filesystem::exists(test::record_path("kspace")))
      GTEST_SKIP() << "the CPU's half of this test has not run: " << QSM_PARITY_FOLDER;
  }

  ScanDescription scan() const {
    auto const geometry = scan_geometry(options_);
    return {.matrix = geometry.grid,
            .encoded = geometry.grid,
            .voxel_mm = options_.voxel_mm,
            .b0_direction = geometry.b0_direction(),
            .te_s = options_.te_s,
            .b0_t = options_.b0_t,
            .coils = options_.coils,
            .is_kspace = true,
            .phase_sign = 1};
  }

  /// Records a stage's output, or compares with what the CPU recorded; gives back the CPU's.
  template <class T>
  std::vector<T> agree(std::string const& name, std::vector<T> const& mine, double relative,
                       double largest = 1e30) {
    if (test::kWritesRecord) {
      test::write_record(name, mine);
      return mine;
    }
    auto const theirs = test::read_record<T>(name, mine.size());
    EXPECT_EQ(theirs.size(), mine.size()) << name;
    auto const d = test::difference(mine, theirs);
    std::printf("parity %-14s relative %.2e  largest %.2e\n", name.c_str(), d.relative, d.largest);
    EXPECT_LE(d.relative, relative) << name;
    EXPECT_LE(d.largest, largest) << name;
    return theirs;
  }

  using Volumes = std::vector<std::vector<float>>;
  static Volumes phases(CombinedEchoes<ThisDevice> const& echoes) {
    Volumes volumes;
    for (auto const& phase : echoes.phase) volumes.push_back(phase.to_host());
    return volumes;
  }
  static void restore(CombinedEchoes<ThisDevice>& echoes, Volumes const& volumes) {
    for (std::size_t e = 0; e < volumes.size(); ++e) echoes.phase[e].upload(volumes[e]);
  }

  ScanOptions options_;
};

/// k-space as the CPU made it.
class RecordedScan : public ScanSource {
 public:
  RecordedScan(ThisDevice const& device, ScanOptions const& options)
      : coils_(options.coils), voxels_(options.matrix.size()) {
    std::size_t const all = options.te_s.size() * static_cast<std::size_t>(coils_) * voxels_;
    if (!test::kWritesRecord) {
      samples_ = test::read_record<Complex>("kspace", all);
      return;
    }
    HeadScan<ThisDevice> scan(device, options);
    Buffer<ThisDevice, Complex> volume(device, options.matrix);
    for (std::size_t e = 0; e < options.te_s.size(); ++e)
      for (int c = 0; c < coils_; ++c) {
        scan.coil_kspace(static_cast<int>(e), c, volume.field());
        auto const host = volume.to_host();
        samples_.insert(samples_.end(), host.begin(), host.end());
      }
    test::write_record("kspace", samples_);
  }
  void read(int echo, int coil, std::span<Complex> out) override {
    std::size_t const start = static_cast<std::size_t>(echo * coils_ + coil) * voxels_;
    std::memcpy(out.data(), samples_.data() + start, voxels_ * sizeof(Complex));
  }

 private:
  int coils_;
  std::size_t voxels_;
  std::vector<Complex> samples_;
};

TEST_F(ParityTest, EveryStageGivesTheSameNumbers) {
  ThisDevice const& d = device();
  auto const description = scan();
  Grid const g = description.matrix;
  PipelineOptions const options;
  RecordedScan source(d, options_);

  auto echoes = combine_coils(d, description, source, options, {});
  for (std::size_t e = 0; e < options_.te_s.size(); ++e) {
    std::string const number = std::to_string(e + 1);
    auto const magnitude = agree("magnitude" + number, echoes.magnitude[e].to_host(), 1e-5);
    // Phase as its sine, weighted by the magnitude: noise-only voxels and +-pi must not count.
    auto weighted = echoes.phase[e].to_host();
    for (std::size_t n = 0; n < weighted.size(); ++n)
      weighted[n] = magnitude[n] * std::sin(weighted[n]);
    agree("sine" + number, weighted, 1e-4);
    auto const phase = echoes.phase[e].to_host();
    if (test::kWritesRecord) test::write_record("phase" + number, phase);
    echoes.magnitude[e].upload(magnitude);
    echoes.phase[e].upload(test::read_record<float>("phase" + number, g.size()));
  }

  PipelineOptions adaptive = options;
  adaptive.coil_method = CoilMethod::kAdaptive;
  auto const gathered = combine_coils(d, description, source, adaptive, {});
  agree("adaptive", gathered.magnitude[2].to_host(), 1e-5);

  Buffer<ThisDevice, std::uint8_t> mask(d, g);
  for (MaskMethod const method : {MaskMethod::kBrainSurface, MaskMethod::kMagnitude}) {
    make_mask(d, echoes.magnitude[0].view(), description.voxel_mm, {.method = method},
              mask.field());
    mask.upload(agree(method == MaskMethod::kMagnitude ? "mask" : "surface", mask.to_host(), 0));
  }

  Buffer<ThisDevice, float> quality(d, g);
  phase_quality(d, description, echoes, quality.field());
  agree("quality", quality.to_host(), 1e-6);

  auto const wrapped = phases(echoes);
  for (UnwrapMethod const method : {UnwrapMethod::kRomeo, UnwrapMethod::kLaplacian}) {
    Buffer<ThisDevice, std::uint8_t> kept(d, g);
    kept.copy_from(mask);
    restore(echoes, wrapped);
    unwrap_echoes(d, description, {.method = method}, kept.field(), echoes);
    std::string const name = method == UnwrapMethod::kRomeo ? "romeo" : "laplacian";
    for (std::size_t e = 0; e < options_.te_s.size(); ++e)
      echoes.phase[e].upload(agree(name + std::to_string(e + 1), echoes.phase[e].to_host(), 1e-5));
  }

  Buffer<ThisDevice, float> r2s(d, g);
  fit_r2s(d, echoes.magnitudes(), options_.te_s, mask.view(), {},
          {.r2s_per_s = r2s.field(), .m0 = {}});
  agree("r2s", r2s.to_host(), 1e-4);

  PipelineOptions nonlinear_fit = options;
  nonlinear_fit.field = FieldMethod::kNonlinear;
  Buffer<ThisDevice, std::uint8_t> kept(d, g);
  kept.copy_from(mask);
  agree("complex_fit",
        estimate_field(d, description, nonlinear_fit, kept.field(), echoes).field_ppm.to_host(),
        1e-4, 1e-4);
  auto total = estimate_field(d, description, options, mask.field(), echoes);
  mask.upload(agree("brain", mask.to_host(), 0));
  total.field_ppm.upload(agree("total_field", total.field_ppm.to_host(), 1e-4, 1e-4));
  total.weight.upload(agree("weight", total.weight.to_host(), 1e-4));

  Buffer<ThisDevice, float> local(d, g), chi(d, g);
  Buffer<ThisDevice, std::uint8_t> eroded(d, g);
  for (BackgroundMethod const method : {BackgroundMethod::kVsharpLs, BackgroundMethod::kVsharp}) {
    BackgroundOptions background;
    background.method = method;
    remove_background(d, description.voxel_mm, total.field_ppm.view(), mask.view(),
                      total.weight.view(), background, local.field(), eroded.field(), {});
    if (method == BackgroundMethod::kVsharpLs) agree("least_squares", local.to_host(), 1e-4, 1e-4);
  }
  eroded.upload(agree("eroded", eroded.to_host(), 0));
  local.upload(agree("local_field", local.to_host(), 1e-4, 1e-4));

  invert_closed_form(d, description.voxel_mm, description.b0_direction, local.view(), eroded.view(),
                     {}, chi.field(), {});
  agree("tkd", chi.to_host(), 1e-4, 1e-4);

  VariationalOptions nonlinear;
  nonlinear.max_iterations = 100;
  nonlinear.tolerance = 0;
  invert_variational(d, description.voxel_mm, description.b0_direction, kPhaseScale, local.view(),
                     eroded.view(), total.weight.view(), nonlinear, chi.field(), {});
  agree("nltv", chi.to_host(), 1e-4, 1e-4);
}

}  // namespace
}  // namespace qsm
