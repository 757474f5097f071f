// `stage mask`: where there is signal, and phase that fits its neighbours.
#include <iostream>

#include "mask/combine_masks.hpp"
#include "mask/make_mask.hpp"
#include "worker/catalogue.hpp"
#include "worker/commands.hpp"
#include "worker/stage_options.hpp"
#include "worker/stage_volumes.hpp"

namespace chistream {

namespace {

struct MaskCommand {
  std::filesystem::path magnitude, quality, out;
  qsm::PipelineOptions pipeline;
};

int make_mask(MaskCommand const& o) {
  qsm::ThisDevice const device(first_device().index);
  StageVolumes volumes;
  NiftiImage const image = volumes.images(o.magnitude);
  // The first echo, which has lost the least to dephasing.
  DeviceVolume const magnitude(device, volumes.grid(),
                               std::span(image.values).first(volumes.grid().size()));
  DeviceMask mask(device, volumes.grid());
  auto voxels =
      qsm::make_mask(device, magnitude.view(), volumes.voxel_mm(), o.pipeline.mask, mask.field());
  using qsm::QualityMask;
  qsm::require(o.pipeline.mask_by_quality != QualityMask::kOn || !o.quality.empty(),
               "NO_QUALITY_MAP", "--quality on needs a --quality-map");
  if (o.pipeline.mask_by_quality != QualityMask::kOff && !o.quality.empty()) {
    DeviceVolume const quality = volumes.upload(device, o.quality);
    voxels = qsm::combine_masks(device, mask.view(), {}, quality.view(), volumes.voxel_mm(),
                                o.pipeline.quality_mask, mask.field());
  }
  write_nifti(o.out, volumes.geometry(), mask.to_host());
  std::cout << voxels << " voxels\n";
  return 0;
}

}  // namespace

Command add_stage_mask(CLI::App& stage) {
  auto* const app = stage.add_subcommand("mask", "Mask from the magnitude (its first volume)");
  auto const o = std::make_shared<MaskCommand>();
  app->add_option("--magnitude", o->magnitude, "magnitude image")->required();
  app->add_option("--quality-map", o->quality,
                  "of `stage unwrap`; where the phase is bad, the mask ends");
  app->add_option("-o,--out", o->out, "mask to write")->required();
  add_stage_options(*app, "mask", o->pipeline);
  return {app, [o] { return make_mask(*o); }};
}

}  // namespace chistream
