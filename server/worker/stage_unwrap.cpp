// `stage unwrap`: phase of every echo without its jumps of 2 pi.
#include "pipeline/total_field.hpp"
#include "worker/catalogue.hpp"
#include "worker/commands.hpp"
#include "worker/stage_options.hpp"
#include "worker/stage_volumes.hpp"

namespace chistream {

namespace {

struct UnwrapCommand {
  std::filesystem::path magnitude, phase, mask, out, quality_out;
  std::vector<double> te_s;
  qsm::PipelineOptions pipeline;
};

int unwrap(UnwrapCommand const& o) {
  qsm::ThisDevice const device(first_device().index);
  StageVolumes volumes;
  auto echoes = volumes.upload_echoes(device, o.magnitude, o.phase, o.te_s.size());
  DeviceMask mask = volumes.upload_mask(device, o.mask);
  auto const scan = scan_of(volumes, o.te_s, qsm::ScanDescription{}.b0_t);
  if (!o.quality_out.empty()) {
    DeviceVolume quality(device, volumes.grid());
    qsm::phase_quality(device, scan, echoes, quality.field());
    write_nifti(o.quality_out, volumes.geometry(), quality.to_host());
  }
  qsm::unwrap_echoes(device, scan, o.pipeline.unwrap, mask.field(), echoes);
  std::vector<float> all;
  for (auto const& phase : echoes.phase) {
    auto const values = phase.to_host();
    all.insert(all.end(), values.begin(), values.end());
  }
  write_nifti(o.out, volumes.geometry(), all);
  return 0;
}

}  // namespace

Command add_stage_unwrap(CLI::App& stage) {
  auto* const app = stage.add_subcommand("unwrap", "Unwrap the phase of every echo");
  auto const o = std::make_shared<UnwrapCommand>();
  app->add_option("--phase", o->phase, "one volume per echo [rad]")->required();
  app->add_option("--magnitude", o->magnitude, "one volume per echo")->required();
  app->add_option("--mask", o->mask, "where to unwrap")->required();
  app->add_option("--te", o->te_s, "echo times [s]")->required();
  app->add_option("-o,--out", o->out, "unwrapped phase to write [rad]")->required();
  app->add_option("--quality-out", o->quality_out, "ROMEO quality of the first echo's voxels");
  add_stage_options(*app, "unwrap", o->pipeline);
  return {app, [o] { return unwrap(*o); }};
}

}  // namespace chistream
