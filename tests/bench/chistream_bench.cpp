// Times each stage beside the floor it cannot go below on this machine: the transforms it must do,
// timed alone in the same run with the fastest plans, plus its bytes over the measured copy
// bandwidth. Seconds depend on the machine; the ratio is what a change is judged by.
//
//   chistream-bench-cpu [--json FILE] [--paths | --chain] [NXxNYxNZ ...]
//
// Default 96x96x96 160x192x144. --paths: path-based unwrapping alone, default 0.5 to 17 million
// voxels. --chain: from raw k-space of 8 coils and 5 echoes to the map, stage by stage.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <tuple>

#include "background/vsharp.hpp"
#include "background/vsharp_ls.hpp"
#include "bench/fastest_transform.hpp"
#include "bench/phantom.hpp"
#include "bench/phantom_scan.hpp"
#include "bench/rows.hpp"
#include "coils/centered_fft.hpp"
#include "coils/mcpc3ds.hpp"
#include "device/buffer.hpp"
#include "inversion/variational.hpp"
#include "mask/magnitude_mask.hpp"
#include "math/pad.hpp"
#include "phase/laplacian_unwrap.hpp"
#include "phase/linear_fit.hpp"
#include "phase/romeo_unwrap.hpp"
#include "phase/spanning_forest.hpp"
#include "pipeline/pipeline.hpp"
#include "relaxometry/r2s.hpp"

namespace qsm::bench {
namespace {

using Device = ThisDevice;

std::vector<double> const kEchoes = {0.004, 0.01, 0.016, 0.022, 0.028};  // [s]

/// Shortest of `repeats` runs [s], after one that warms up.
double seconds(Device const& device, int repeats, std::function<void()> const& work) {
  double best = 1e300;
  for (int r = 0; r <= repeats; ++r) {
    device.synchronize();
    auto const begin = std::chrono::steady_clock::now();
    work();
    device.synchronize();
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begin;
    if (r > 0) best = std::min(best, took.count());
  }
  return best;
}

class Bench {
 public:
  Bench(Device const& device, Grid grid)
      : device_(device),
        phantom_(grid),
        name_(std::to_string(grid.nx) + "x" + std::to_string(grid.ny) + "x" +
              std::to_string(grid.nz)),
        mask_(device, grid, phantom_.mask),
        magnitude_(device, grid, phantom_.magnitude),
        field_(device, grid, phantom_.field_ppm) {}

  std::vector<Row> run() {
    bytes_per_second_ = copy_bandwidth();
    inversion();
    background();
    background_iteration();
    unwrapping();
    fit();
    decay();
    masking();
    coils();
    paths();
    return std::move(rows_);
  }

  std::vector<Row> run_paths() {
    bytes_per_second_ = copy_bandwidth();
    paths();
    return std::move(rows_);
  }

  std::vector<Row> run_chain() {
    bytes_per_second_ = copy_bandwidth();
    chain();
    return std::move(rows_);
  }

 private:
  double copy_bandwidth() {
    Grid const g{1 << 20, 64, 1};  // 256 MiB: beyond every cache
    Buffer<Device, float> a(device_, g), b(device_, g);
    a.zero();
    double const s = seconds(device_, 5, [&] { b.copy_from(a); });
    return 2.0 * static_cast<double>(a.bytes()) / s;
  }

  double transform(Grid g, bool is_real) {
    return with_fastest_transform(device_, g, is_real, [&](std::function<void()> const& work) {
      return seconds(device_, 10, work);
    });
  }
  double complex_transform(Grid g) { return transform(g, false); }
  double real_transform(Grid g) { return transform(g, true); }

  double time_of_bytes(double per_voxel, Grid g) const {
    return per_voxel * static_cast<double>(g.size()) / bytes_per_second_;
  }

  void add(std::string const& stage, double took, Floor floor) {
    rows_.push_back({name_, stage, phantom_.grid.size(), took, floor, device_.meter().peak});
    Row const& r = rows_.back();
    std::printf(
        "%-12s %-25s %9.4f s %7.2f Mvoxel/s  floor %8.4f s (transforms %8.4f)  ratio %6.2f  "
        "peak %6.0f MiB\n",
        r.grid.c_str(), r.stage.c_str(), took, static_cast<double>(r.voxels) / took / 1e6,
        floor.seconds(), floor.transforms, r.ratio(),
        static_cast<double>(r.peak_bytes) / (1 << 20));
    std::fflush(stdout);
    device_.meter().peak = device_.meter().in_use.load();
  }

  // Two runs of different length: their difference is iterations alone, without set-up.
  void inversion() {
    // Complex and real transforms, and bytes per voxel of the passes between them.
    for (auto const& [name, prior, complex, real, bytes] :
         {std::tuple{"nonlinear TV iteration", Prior::kTv, 2, 0, 84.0},
          std::tuple{"weak harmonic iteration", Prior::kWeakHarmonic, 2, 2, 111.0},
          std::tuple{"nonlinear TGV iteration", Prior::kTgv, 6, 0, 246.0}}) {
      Grid working;
      double const each = inversion_iteration(prior, working);
      add(name, each,
          {complex * complex_transform(working) + (real > 0 ? real * real_transform(working) : 0),
           time_of_bytes(bytes, working)});
    }
  }

  double inversion_iteration(Prior prior, Grid& working) {
    Buffer<Device, float> chi(device_, phantom_.grid);
    VariationalOptions options;
    options.prior = prior;
    options.tolerance = 0;
    auto const timed = [&](int iterations) {
      options.max_iterations = iterations;
      return seconds(device_, 1, [&] {
        working = invert_variational(device_, {1, 1, 1}, {0, 0, 1}, 16.0, field_.view(),
                                     mask_.view(), magnitude_.view(), options, chi.field(), {})
                      .working_grid;
      });
    };
    int const few = 12, many = 32;
    return (timed(many) - timed(few)) / (many - few);
  }

  void background() {
    Buffer<Device, float> local(device_, phantom_.grid);
    Buffer<Device, std::uint8_t> eroded(device_, phantom_.grid);
    VsharpOptions const options;
    std::size_t const radii = vsharp_radii({1, 1, 1}).size();
    double const took = seconds(device_, 1, [&] {
      vsharp(device_, {1, 1, 1}, field_.view(), mask_.view(), options, local.field(),
             eroded.field(), {});
    });
    add("V-SHARP", took, {static_cast<double>(2 * radii + 3) * real_transform(phantom_.grid), 0});
  }

  // As inversion().
  void background_iteration() {
    Buffer<Device, float> local(device_, phantom_.grid);
    Buffer<Device, std::uint8_t> defined(device_, phantom_.grid);
    VsharpLsOptions options;
    auto const timed = [&](int iterations) {
      options.iterations = iterations;
      return seconds(device_, 2, [&] {
        vsharp_ls(device_, {1, 1, 1}, field_.view(), mask_.view(), {}, options, local.field(),
                  defined.field(), {});
      });
    };
    int const few = 2, many = 8;
    double const each = (timed(many) - timed(few)) / (many - few);
    std::size_t const radii = vsharp_ls_radii({1, 1, 1}).size();
    Grid const working = fast_real_grid(phantom_.mask_box());
    add("least-squares V-SHARP it.", each,
        {static_cast<double>(2 * radii + 2) * real_transform(working), 0});
  }

  void unwrapping() {
    Buffer<Device, float> out(device_, phantom_.grid);
    LaplacianUnwrap<Device> unwrap(device_, phantom_.grid, {1, 1, 1});
    double const took =
        seconds(device_, 1, [&] { unwrap.run(field_.view(), mask_.view(), out.field()); });
    add("Laplacian unwrapping", took, {2 * complex_transform(phantom_.grid), 0});
  }

  // Every voxel is in the mask and noisy: 3 edges to a voxel, and as many rounds as random costs
  // take. Floors: each pass's bytes once (weights 22, a round about 34, turns 12), 8 rounds.
  void paths() {
    Grid const g = phantom_.grid;
    auto const wrapped = phantom_.noisy_phase(100, 0.4);
    auto const second = phantom_.noisy_phase(150, 0.4);
    Buffer<Device, float> w(device_, g, wrapped), v(device_, g, second);
    Buffer<Device, std::uint8_t> all(device_, g, std::vector<std::uint8_t>(g.size(), 1));
    auto const pass = [&](double bytes) { return Floor{0, time_of_bytes(bytes, g)}; };
    {
      EdgeCostBuffers<Device> costs(device_, g);
      RomeoInputs const inputs{.phase = w.view(),
                               .second = v.view(),
                               .magnitude = magnitude_.view(),
                               .te_ratio = 2.0f / 3,
                               .settled = {}};
      add("ROMEO weights",
          seconds(device_, 2, [&] { romeo_edge_costs(device_, inputs, all.view(), costs); }),
          pass(22));
      Buffer<Device, std::uint32_t> component(device_, g);
      Buffer<Device, std::int32_t> turns(device_, g);
      add("spanning forest",
          seconds(device_, 2,
                  [&] {
                    spanning_forest(device_, w.view(), all.view(), costs.view(),
                                    {component.field(), turns.field()});
                  }),
          pass(8 * 34));
    }
    add("ROMEO unwrapping, 1 echo",
        seconds(
            device_, 2,
            [&] {
              romeo_unwrap(device_, {{w.field()}, {magnitude_.view()}, {0.02}}, {}, all.field());
            }),
        pass(22 + 8 * 34 + 12));
  }

  void fit() {
    Grid const g = phantom_.grid;
    Buffer<Device, float> hz(device_, g), offset(device_, g), noise(device_, g),
        residual(device_, g);
    std::vector<Field<float const>> const phases(5, field_.view());
    std::vector<Field<float const>> const magnitudes(5, magnitude_.view());
    double const took = seconds(device_, 2, [&] {
      linear_fit(device_, phases, magnitudes, kEchoes, mask_.view(),
                 {hz.field(), offset.field(), noise.field(), residual.field()});
    });
    add("field fit, 5 echoes", took, {0, time_of_bytes(14 * 4, g)});
  }

  // Magnitudes and mask read once, two volumes written.
  void decay() {
    Grid const g = phantom_.grid;
    std::vector<Buffer<Device, float>> echoes;
    std::vector<Field<float const>> magnitudes;
    for (double const te : kEchoes) echoes.emplace_back(device_, g, phantom_.decayed(te));
    for (auto const& echo : echoes) magnitudes.push_back(echo.view());
    Buffer<Device, float> rate(device_, g), m0(device_, g);
    for (auto const& [name, method] :
         {std::pair{"R2* by ARLO, 5 echoes", R2sMethod::kArlo},
          std::pair{"R2* log-linear, 5 echoes", R2sMethod::kLogLinear},
          std::pair{"R2* nonlinear, 5 echoes", R2sMethod::kNonlinear}}) {
      double const took = seconds(device_, 2, [&] {
        fit_r2s(device_, magnitudes, kEchoes, mask_.view(), {.method = method},
                {.r2s_per_s = rate.field(), .m0 = m0.field()});
      });
      add(name, took, {0, time_of_bytes(7 * 4 + 1, g)});
    }
  }

  void masking() {
    Buffer<Device, std::uint8_t> out(device_, phantom_.grid);
    double const took = seconds(device_, 1, [&] {
      magnitude_mask(device_, magnitude_.view(), {1, 1, 1}, {}, out.field());
    });
    add("magnitude mask", took, {0, time_of_bytes(5, phantom_.grid)});
  }

  // One coil of five echoes from k-space: the transforms are the floor.
  void coils() {
    Grid const g = phantom_.grid;
    Buffer<Device, Complex> first(device_, g, phantom_.echo(kEchoes[0]));
    Buffer<Device, Complex> second(device_, g, phantom_.echo(kEchoes[1]));
    Buffer<Device, Complex> kspace(device_, g, phantom_.echo(kEchoes[0]));
    Buffer<Device, float> phase(device_, g);
    CenteredFft<Device> const fft(device_, g);
    double const took = seconds(device_, 1, [&] {
      Mcpc3ds<Device> combination(device_, g, {1, 1, 1}, kEchoes);
      for (int t = 0; t < 2; ++t) fft.inverse(kspace.field());
      combination.accumulate(first.view(), second.view());
      combination.hermitian_phase(phase.field());
      combination.set_phase_evolution(phase.view(), mask_.view());
      combination.begin_coil(first.view());
      for (int e = 0; e < 5; ++e) {
        fft.inverse(kspace.field());
        combination.add(e, second.view());
      }
    });
    add("one coil, 5 echoes", took, {7 * complex_transform(g), 0});
  }

  // Second of two runs: plans, pool and pages are warm. The floor of a stage is its transforms, or
  // its volumes read and written once.
  void chain() {
    Grid const g = phantom_.grid;
    int const coils = 8, echoes = 5;
    PhantomScan<Device> scan(device_, phantom_, coils, kEchoes);
    Reconstruction result;
    double const took = seconds(device_, 1, [&] {
      result = reconstruct(device_, scan.description(), scan, PipelineOptions{});
    });
    double const complex = complex_transform(g);
    auto const bytes = [&](double each) { return time_of_bytes(each, g); };
    std::size_t const radii = vsharp_ls_radii({1, 1, 1}).size();
    int const solves = VsharpLsOptions{}.iterations + 1;
    Floor const floors[] = {
        {coils * (echoes + 2) * complex, 0},
        {0, bytes(5)},
        {2 * complex, bytes(8.0 * echoes)},
        {0, 2 * bytes(8.0 * echoes + 16)},
        {solves * static_cast<double>(2 * radii + 2) *
             real_transform(fast_real_grid(phantom_.mask_box())),
         0},
        {2 * result.inversion_iterations *
             (complex_transform(result.inversion_grid) + real_transform(result.inversion_grid)),
         result.inversion_iterations * time_of_bytes(111, result.inversion_grid)}};
    Floor floor;
    for (std::size_t s = 0; s < result.stage_seconds.size(); ++s) {
      add("chain: " + result.stage_seconds[s].stage, result.stage_seconds[s].seconds, floors[s]);
      floor.transforms += floors[s].transforms;
      floor.bytes += floors[s].bytes;
    }
    rows_.back().peak_bytes = result.peak_device_bytes;
    device_.meter().peak = result.peak_device_bytes;
    add("chain, 8 coils, 5 echoes", took, floor);
  }

  Device const& device_;
  Phantom phantom_;
  std::string name_;
  Buffer<Device, std::uint8_t> mask_;
  Buffer<Device, float> magnitude_, field_;
  double bytes_per_second_ = 0;
  std::vector<Row> rows_;
};

int main(int argc, char** argv) {
  std::string json;
  bool paths = false, chain = false;
  std::vector<Grid> grids;
  for (int a = 1; a < argc; ++a) {
    Grid g;
    if (std::strcmp(argv[a], "--json") == 0 && a + 1 < argc) {
      json = argv[++a];
    } else if (std::strcmp(argv[a], "--paths") == 0) {
      paths = true;
    } else if (std::strcmp(argv[a], "--chain") == 0) {
      chain = true;
    } else if (std::sscanf(argv[a], "%dx%dx%d", &g.nx, &g.ny, &g.nz) == 3 && g.nx >= 8 &&
               g.ny >= 8 && g.nz >= 8) {
      grids.push_back(g);
    } else {
      std::fprintf(stderr, "usage: %s [--json FILE] [--paths | --chain] [NXxNYxNZ ...]\n", argv[0]);
      return 2;
    }
  }
  if (grids.empty() && paths)
    grids = {{80, 80, 78},    {100, 100, 100}, {128, 128, 122},
             {160, 160, 156}, {200, 200, 200}, {256, 256, 259}};
  if (grids.empty()) grids = {{96, 96, 96}, {160, 192, 144}};
  auto const devices = Device::list();
  if (devices.empty()) {
    std::fprintf(stderr, "no device answers\n");
    return 1;
  }
  std::printf("%s\n", devices[0].name.c_str());
  Device const device;
  std::vector<Row> rows;
  for (Grid const g : grids)
    for (Row& row : paths   ? Bench(device, g).run_paths()
                    : chain ? Bench(device, g).run_chain()
                            : Bench(device, g).run())
      rows.push_back(std::move(row));
  if (!json.empty()) write_json(json, devices[0].name, rows);
  return 0;
}

}  // namespace
}  // namespace qsm::bench

int main(int argc, char** argv) {
  try {
    return qsm::bench::main(argc, argv);
  } catch (std::exception const& error) {
    std::fprintf(stderr, "chistream-bench: %s\n", error.what());
    return 1;
  }
}
