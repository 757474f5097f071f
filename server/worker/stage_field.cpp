// `stage field`: echoes to the total field in ppm of B0.
#include <iostream>

#include "pipeline/total_field.hpp"
#include "worker/catalogue.hpp"
#include "worker/commands.hpp"
#include "worker/stage_options.hpp"
#include "worker/stage_volumes.hpp"

namespace chistream {

namespace {

struct FieldCommand {
  std::filesystem::path magnitude, phase, mask, out, weight_out, mask_out;
  std::vector<double> te_s;
  double b0_t = 0;
  bool unwrapped = false;
  qsm::PipelineOptions pipeline;
};

int fit_field(FieldCommand const& o) {
  qsm::ThisDevice const device(first_device().index);
  StageVolumes volumes;
  auto echoes = volumes.upload_echoes(device, o.magnitude, o.phase, o.te_s.size());
  DeviceMask mask = volumes.upload_mask(device, o.mask);
  auto const scan = scan_of(volumes, o.te_s, o.b0_t);
  DeviceVolume quality;
  if (o.pipeline.reliability.min_quality > 0) {
    quality = {device, volumes.grid()};
    qsm::phase_quality(device, scan, echoes, quality.field());
  }
  if (!o.unwrapped) qsm::unwrap_echoes(device, scan, o.pipeline.unwrap, mask.field(), echoes);
  auto const total =
      qsm::estimate_field(device, scan, o.pipeline, mask.field(), echoes, quality.view());
  write_nifti(o.out, volumes.geometry(), total.field_ppm.to_host());
  if (!o.weight_out.empty()) write_nifti(o.weight_out, volumes.geometry(), total.weight.to_host());
  if (!o.mask_out.empty()) write_nifti(o.mask_out, volumes.geometry(), mask.to_host());
  std::cout << "effective echo time " << total.effective_te_s << " s\n"
            << total.reliability.excluded << " of " << total.reliability.mask_voxels
            << " voxels without weight\n";
  return 0;
}

}  // namespace

Command add_stage_field(CLI::App& stage) {
  auto* const app = stage.add_subcommand("field", "Fit the field over the echoes");
  auto const o = std::make_shared<FieldCommand>();
  app->add_option("--phase", o->phase, "one volume per echo [rad]")->required();
  app->add_option("--magnitude", o->magnitude, "one volume per echo")->required();
  app->add_option("--mask", o->mask, "where to fit")->required();
  app->add_option("--te", o->te_s, "echo times [s]")->required();
  app->add_option("--b0", o->b0_t, "field strength [T]")->required()->check(CLI::PositiveNumber);
  app->add_flag("--unwrapped", o->unwrapped, "the phase is unwrapped already");
  app->add_option("-o,--out", o->out, "total field to write [ppm]")->required();
  app->add_option("--weight-out", o->weight_out, "weight of each voxel in the inversion");
  app->add_option("--mask-out", o->mask_out, "the mask without its unreliable rim");
  add_stage_options(*app, "unwrap", o->pipeline, "unwrap-");
  add_stage_options(*app, "field", o->pipeline);
  return {app, [o] { return fit_field(*o); }};
}

}  // namespace chistream
