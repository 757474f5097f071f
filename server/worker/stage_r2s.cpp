// `stage r2s`: magnitudes of the echoes to R2* in 1/s.
#include <iostream>

#include "formats/format_error.hpp"
#include "relaxometry/r2s.hpp"
#include "worker/catalogue.hpp"
#include "worker/commands.hpp"
#include "worker/stage_options.hpp"
#include "worker/stage_volumes.hpp"

namespace chistream {

namespace {

struct R2sCommand {
  std::filesystem::path magnitude, mask, out, m0_out;
  std::vector<double> te_s;
  qsm::PipelineOptions pipeline;
};

int fit(R2sCommand const& o) {
  qsm::ThisDevice const device(first_device().index);
  StageVolumes volumes;
  auto const magnitude = volumes.upload_volumes(device, o.magnitude, o.te_s.size());
  std::vector<qsm::Field<float const>> echoes;
  for (auto const& m : magnitude) echoes.push_back(m.view());
  DeviceMask const mask = volumes.upload_mask(device, o.mask);
  DeviceVolume r2s(device, volumes.grid()), m0(device, volumes.grid());
  qsm::fit_r2s(device, echoes, o.te_s, mask.view(), o.pipeline.r2s, {r2s.field(), m0.field()});
  write_nifti(o.out, volumes.geometry(), r2s.to_host());
  if (!o.m0_out.empty()) write_nifti(o.m0_out, volumes.geometry(), m0.to_host());
  return 0;
}

}  // namespace

Command add_stage_r2s(CLI::App& stage) {
  auto* const app = stage.add_subcommand("r2s", "Fit R2* over the echoes");
  auto const o = std::make_shared<R2sCommand>();
  app->add_option("--magnitude", o->magnitude, "one volume per echo")->required();
  app->add_option("--mask", o->mask, "where to fit")->required();
  app->add_option("--te", o->te_s, "echo times [s]")->required();
  app->add_option("-o,--out", o->out, "R2* to write [1/s]")->required();
  app->add_option("--m0-out", o->m0_out, "magnitude at TE = 0");
  add_stage_options(*app, "r2s", o->pipeline);
  return {app, [o] { return fit(*o); }};
}

}  // namespace chistream
