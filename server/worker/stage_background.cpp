// `stage background`: total field to local field.
#include "background/background.hpp"
#include "worker/catalogue.hpp"
#include "worker/commands.hpp"
#include "worker/stage_volumes.hpp"

namespace chistream {

namespace {

struct BackgroundCommand {
  std::filesystem::path field, mask, weight, out, mask_out;
  std::string method = "vsharp-ls";
  qsm::BackgroundOptions background;
};

qsm::BackgroundMethod method_of(std::string const& name) {
  using Method = qsm::BackgroundMethod;
  return name == "vsharp" ? Method::kVsharp : name == "sharp" ? Method::kSharp : Method::kVsharpLs;
}

int remove_background(BackgroundCommand& o) {
  o.background.method = method_of(o.method);
  qsm::ThisDevice const device(first_device().index);
  StageVolumes volumes;
  DeviceVolume const total = volumes.upload(device, o.field);
  DeviceMask const mask = volumes.upload_mask(device, o.mask);
  DeviceVolume weight;
  if (!o.weight.empty()) weight = volumes.upload(device, o.weight);
  DeviceVolume local(device, volumes.grid());
  DeviceMask defined(device, volumes.grid());
  qsm::remove_background(device, volumes.voxel_mm(), total.view(), mask.view(), weight.view(),
                         o.background, local.field(), defined.field(), qsm::Control{});
  write_nifti(o.out, volumes.geometry(), local.to_host());
  if (!o.mask_out.empty()) write_nifti(o.mask_out, volumes.geometry(), defined.to_host());
  return 0;
}

}  // namespace

Command add_stage_background(CLI::App& stage) {
  auto* const app = stage.add_subcommand("background", "Remove the background field");
  auto const o = std::make_shared<BackgroundCommand>();
  app->add_option("--field", o->field, "total field [ppm]")->required();
  app->add_option("--mask", o->mask, "brain mask")->required();
  app->add_option("--method", o->method,
                  "sharp: one radius; vsharp-ls: least squares, which keeps the rim of the mask")
      ->check(CLI::IsMember({"vsharp", "vsharp-ls", "sharp"}))
      ->capture_default_str();
  app->add_option("--radii", o->background.radii_mm,
                  "ball radii [mm], decreasing, as 12,9,6,3; default: by method and voxel size")
      ->delimiter(',');
  app->add_option("--threshold", o->background.threshold,
                  "vsharp, sharp: of |1 - S| in the deconvolution; default: 0.4 and 0.07");
  app->add_option("--lambda", o->background.lambda, "vsharp-ls: weight of the local field's energy")
      ->capture_default_str();
  app->add_option("--iterations", o->background.iterations, "vsharp-ls: steps")
      ->capture_default_str();
  app->add_option("--weight", o->weight, "vsharp-ls: of each voxel, 0 .. 1; default: 1");
  app->add_flag("--moment-match,!--no-moment-match", o->background.moment_match,
                "weights the balls for anisotropic voxels")
      ->capture_default_str();
  app->add_option("-o,--out", o->out, "local field to write [ppm]")->required();
  app->add_option("--mask-out", o->mask_out, "where the local field is defined");
  return {app, [o] { return remove_background(*o); }};
}

}  // namespace chistream
