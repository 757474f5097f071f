// `stage unwrap`: phase of every echo without its jumps of 2 pi.
#include "pipeline/total_field.hpp"
#include "worker/catalogue.hpp"
#include "worker/commands.hpp"
#include "worker/stage_volumes.hpp"

namespace chistream {

namespace {

struct UnwrapCommand {
  std::filesystem::path magnitude, phase, mask, out;
  std::vector<double> te_s;
  std::string method = "laplacian";
};

int unwrap(UnwrapCommand const& o) {
  qsm::ThisDevice const device(first_device().index);
  StageVolumes volumes;
  auto echoes = volumes.upload_echoes(device, o.magnitude, o.phase, o.te_s.size());
  DeviceMask const mask = volumes.upload_mask(device, o.mask);
  qsm::unwrap_echoes(device, scan_of(volumes, o.te_s, qsm::ScanDescription{}.b0_t), mask.view(),
                     echoes);
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
  auto* const app = stage.add_subcommand("unwrap", "Unwrap the first echo, and the others from it");
  auto const o = std::make_shared<UnwrapCommand>();
  app->add_option("--phase", o->phase, "one volume per echo [rad]")->required();
  app->add_option("--magnitude", o->magnitude, "one volume per echo")->required();
  app->add_option("--mask", o->mask, "where to unwrap")->required();
  app->add_option("--te", o->te_s, "echo times [s]")->required();
  app->add_option("--method", o->method, "spatial unwrapping")
      ->check(CLI::IsMember({"laplacian"}))
      ->capture_default_str();
  app->add_option("-o,--out", o->out, "unwrapped phase to write [rad]")->required();
  return {app, [o] { return unwrap(*o); }};
}

}  // namespace chistream
