// `stage combine`: the images of every coil to one magnitude and one phase per echo.
#include <cmath>

#include "formats/format_error.hpp"
#include "worker/catalogue.hpp"
#include "worker/commands.hpp"
#include "worker/stage_options.hpp"
#include "worker/stage_volumes.hpp"

namespace chistream {

namespace {

struct CombineOptions {
  std::filesystem::path magnitude, phase, maps_magnitude, maps_phase, out;
  std::vector<double> te_s;
  qsm::PipelineOptions pipeline;
};

/// Coil images held in memory: (x, y, z, echo, coil) of a NIfTI file, or (x, y, z, coil) of one
/// echo.
class CoilImages final : public qsm::ScanSource {
 public:
  CoilImages(NiftiImage const& magnitude, NiftiImage const& phase, std::size_t echoes)
      : magnitude_(magnitude), phase_(phase), echoes_(echoes) {}

  void read(int echo, int coil, std::span<qsm::Complex> volume) override {
    std::size_t const start =
        volume.size() * (static_cast<std::size_t>(coil) * echoes_ + static_cast<std::size_t>(echo));
    for (std::size_t n = 0; n < volume.size(); ++n) {
      float const m = magnitude_.values[start + n], p = phase_.values[start + n];
      volume[n] = {m * std::cos(p), m * std::sin(p)};
    }
  }

 private:
  NiftiImage const& magnitude_;
  NiftiImage const& phase_;
  std::size_t echoes_;
};

std::vector<float> join(std::vector<DeviceVolume> const& volumes) {
  std::vector<float> all;
  for (auto const& volume : volumes) {
    auto const values = volume.to_host();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

qsm::CombinedEchoes<qsm::ThisDevice> combine_with_maps(CombineOptions const& o,
                                                       qsm::ThisDevice const& device,
                                                       StageVolumes& volumes,
                                                       qsm::ScanDescription const& scan,
                                                       CoilImages& source) {
  NiftiImage const magnitude = volumes.images(o.maps_magnitude);
  NiftiImage const phase = volumes.images(o.maps_phase);
  for (auto const* map : {&magnitude, &phase})
    if (map->info.volumes() != static_cast<std::size_t>(scan.coils))
      throw FormatError("COIL_COUNT_MISMATCH", "maps of " + std::to_string(map->info.volumes()) +
                                                   " coils for images of " +
                                                   std::to_string(scan.coils));
  CoilImages maps(magnitude, phase, 1);
  return qsm::combine_with_maps(device, scan, source, maps, qsm::Control{});
}

int combine(CombineOptions const& o) {
  qsm::ThisDevice const device(first_device().index);
  StageVolumes volumes;
  NiftiImage const magnitude = volumes.images(o.magnitude);
  NiftiImage const phase = volumes.images(o.phase);
  if (magnitude.info.size != phase.info.size || magnitude.info.size[3] != o.te_s.size())
    throw FormatError("ECHO_COUNT_MISMATCH",
                      "magnitude and phase have to be x, y, z, echo, coil with one echo time each");
  CoilImages source(magnitude, phase, o.te_s.size());
  qsm::ScanDescription scan = scan_of(volumes, o.te_s, qsm::ScanDescription{}.b0_t);
  scan.coils = static_cast<int>(magnitude.info.size[4]);
  auto const echoes = o.maps_magnitude.empty()
                          ? qsm::combine_coils(device, scan, source, o.pipeline, qsm::Control{})
                          : combine_with_maps(o, device, volumes, scan, source);
  std::filesystem::create_directories(o.out);
  write_nifti(o.out / "magnitude.nii.gz", volumes.geometry(), join(echoes.magnitude));
  write_nifti(o.out / "phase.nii.gz", volumes.geometry(), join(echoes.phase));
  return 0;
}

}  // namespace

Command add_stage_combine(CLI::App& stage) {
  auto* const app = stage.add_subcommand("combine", "Combine coils, keeping the phase");
  auto const o = std::make_shared<CombineOptions>();
  app->add_option("--magnitude", o->magnitude, "x, y, z, echo, coil")->required();
  app->add_option("--phase", o->phase, "the same [rad]")->required();
  app->add_option("--te", o->te_s, "echo times [s]")->required();
  auto* const maps = app->add_option("--maps-magnitude", o->maps_magnitude,
                                     "sensitivities of the coils, x, y, z, coil: combines by them");
  app->add_option("--maps-phase", o->maps_phase, "the same [rad]")->needs(maps);
  maps->needs("--maps-phase");
  app->add_option("-o,--out", o->out, "folder for magnitude.nii.gz and phase.nii.gz")->required();
  add_stage_options(*app, "coils", o->pipeline);
  return {app, [o] { return combine(*o); }};
}

}  // namespace chistream
