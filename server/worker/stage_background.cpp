// `stage background`: total field to local field.
#include "background/vsharp.hpp"
#include "worker/catalogue.hpp"
#include "worker/commands.hpp"
#include "worker/stage_volumes.hpp"

namespace chistream {

namespace {

struct BackgroundCommand {
  std::filesystem::path field, mask, out, mask_out;
  std::string method = "vsharp";
  qsm::VsharpOptions vsharp;
};

int remove_background(BackgroundCommand const& o) {
  qsm::ThisDevice const device(first_device().index);
  StageVolumes volumes;
  DeviceVolume const total = volumes.upload(device, o.field);
  DeviceMask const mask = volumes.upload_mask(device, o.mask);
  DeviceVolume local(device, volumes.grid());
  DeviceMask eroded(device, volumes.grid());
  qsm::vsharp(device, volumes.voxel_mm(), total.view(), mask.view(), o.vsharp, local.field(),
              eroded.field(), qsm::Control{});
  write_nifti(o.out, volumes.geometry(), local.to_host());
  if (!o.mask_out.empty()) write_nifti(o.mask_out, volumes.geometry(), eroded.to_host());
  return 0;
}

}  // namespace

Command add_stage_background(CLI::App& stage) {
  auto* const app = stage.add_subcommand("background", "Remove the background field");
  auto const o = std::make_shared<BackgroundCommand>();
  app->add_option("--field", o->field, "total field [ppm]")->required();
  app->add_option("--mask", o->mask, "brain mask")->required();
  app->add_option("--method", o->method, "vsharp")
      ->check(CLI::IsMember({"vsharp"}))
      ->capture_default_str();
  app->add_option("--radii", o->vsharp.radii_mm,
                  "ball radii [mm], decreasing, as 12,9,6,3; default: from the voxel size")
      ->delimiter(',');
  app->add_option("--threshold", o->vsharp.threshold, "of |1 - S| in the deconvolution")
      ->capture_default_str();
  app->add_flag("--moment-match,!--no-moment-match", o->vsharp.moment_match,
                "weights the balls for anisotropic voxels")
      ->capture_default_str();
  app->add_option("-o,--out", o->out, "local field to write [ppm]")->required();
  app->add_option("--mask-out", o->mask_out, "where the local field is defined");
  return {app, [o] { return remove_background(*o); }};
}

}  // namespace chistream
