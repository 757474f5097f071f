// `stage invert`: local field to susceptibility.
#include <algorithm>
#include <charconv>
#include <iostream>
#include <numbers>

#include "device/error.hpp"
#include "device/select.hpp"
#include "inversion/closed_form.hpp"
#include "inversion/reference.hpp"
#include "inversion/variational.hpp"
#include "pipeline/options.hpp"
#include "worker/catalogue.hpp"
#include "worker/commands.hpp"
#include "worker/stage_volumes.hpp"

namespace chistream {

namespace {

qsm::OptionRow const& method_row() {
  return qsm::option_row("inversion.method");
}

struct InvertCommand {
  std::filesystem::path field, mask, magnitude, weight, r2s, out;
  double te_s = 0, b0_t = 0, phase_scale = 0;
  std::vector<double> b0_direction;
  qsm::VariationalOptions variational;
  qsm::ClosedFormOptions closed_form;
  std::string method = std::get<std::string>(method_row().get({}));  // the chain's
  std::string pad = "auto", alpha = "0";
  std::string gradient_scaling = variational.scale_gradients ? "voxel" : "none";
  std::string reference =
      qsm::PipelineOptions{}.reference == qsm::ReferenceMethod::kMaskMean ? "mask" : "none";
};

int pad_voxels(std::string const& text) {
  if (text == "auto") return -1;
  qsm::require(
      !text.empty() && text.size() < 6 &&
          std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }),
      "INVALID_OPTION", "--pad is auto or a number of voxels, not '" + text + "'");
  return std::stoi(text);
}

/// A number, or the rule that finds it.
void set_alpha(std::string const& text, qsm::VariationalOptions& variational) {
  if (text == "auto") variational.alpha_rule = qsm::AlphaRule::kNoise;
  if (text == "equalise") variational.alpha_rule = qsm::AlphaRule::kEqualise;
  if (text == "l-curve") variational.alpha_rule = qsm::AlphaRule::kLCurve;
  if (text == "discrepancy") variational.alpha_rule = qsm::AlphaRule::kDiscrepancy;
  if (variational.alpha_rule != qsm::AlphaRule::kFixed) return;
  auto const [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), variational.alpha);
  qsm::require(error == std::errc{} && end == text.data() + text.size(), "INVALID_OPTION",
               "--alpha is a number, auto, equalise, l-curve or discrepancy, not '" + text + "'");
}

qsm::ReferenceMethod reference_method(std::string const& name) {
  if (name == "csf") return qsm::ReferenceMethod::kCsf;
  return name == "mask" ? qsm::ReferenceMethod::kMaskMean : qsm::ReferenceMethod::kNone;
}

/// The weight as given; or the magnitude over its 99th percentile in the mask, at most 1, so that
/// no single vessel sets the scale; empty (weight 1) without either.
DeviceVolume load_weight(qsm::ThisDevice const& device, StageVolumes& volumes,
                         DeviceMask const& mask, InvertCommand const& o) {
  if (!o.weight.empty()) return volumes.upload(device, o.weight);
  if (o.magnitude.empty()) return {};
  auto weight = volumes.volume(o.magnitude);
  DeviceVolume loaded(device, volumes.grid(), weight);
  double const bright = qsm::percentiles(device, loaded.view(), mask.view(), {99}).front();
  qsm::require(bright > 0, "EMPTY_MASK", "the magnitude is zero inside the mask");
  for (float& w : weight) w = std::min(w / static_cast<float>(bright), 1.0f);
  loaded.upload(weight);
  return loaded;
}

/// Empty without a reference to fluid.
DeviceMask find_csf(qsm::ThisDevice const& device, StageVolumes& volumes, DeviceMask const& mask,
                    InvertCommand const& o) {
  if (reference_method(o.reference) != qsm::ReferenceMethod::kCsf) return {};
  qsm::require(!o.r2s.empty(), "INVALID_OPTION",
               "--reference csf finds the fluid by its R2*: give --r2s");
  DeviceVolume const r2s = volumes.upload(device, o.r2s);
  DeviceMask csf(device, volumes.grid());
  auto const voxels =
      qsm::csf_region(device, volumes.voxel_mm(), r2s.view(), mask.view(), csf.field());
  std::cout << "fluid " << voxels << " voxels\n";
  return csf;
}

double phase_scale(InvertCommand const& o) {
  if (o.phase_scale > 0) return o.phase_scale;
  qsm::require(o.te_s > 0 && o.b0_t > 0, "INVALID_OPTION",
               "the nonlinear inversion needs --te and --b0, or --phase-scale");
  return 2 * std::numbers::pi * qsm::kGammaBar * o.b0_t * o.te_s;
}

/// One line; of the numbers, those the rule asked for.
void print_trial(qsm::AlphaTrial const& trial) {
  std::cout << "tried alpha " << trial.alpha << ':';
  if (trial.balance > 0) std::cout << " balance " << trial.balance;
  if (trial.misfit > 0) std::cout << " misfit " << trial.misfit;
  if (trial.variation > 0) std::cout << " variation " << trial.variation;
  std::cout << " after " << trial.iterations << " iterations\n";
}

int invert(InvertCommand& o) {
  o.variational.pad_voxels = o.closed_form.pad_voxels = pad_voxels(o.pad);
  set_alpha(o.alpha, o.variational);
  o.variational.scale_gradients = o.gradient_scaling == "voxel";
  qsm::ThisDevice const device(first_device().index);
  StageVolumes volumes;
  DeviceVolume const local = volumes.upload(device, o.field);
  DeviceMask const mask = volumes.upload_mask(device, o.mask);
  auto const b0 = volumes.b0_direction(o.b0_direction);
  DeviceMask const csf = find_csf(device, volumes, mask, o);
  DeviceVolume chi(device, volumes.grid());
  qsm::PipelineOptions options;
  qsm::set_option(options, "inversion.method", o.method);
  options.variational = o.variational;
  options.closed_form = o.closed_form;
  if (qsm::is_closed_form(options.inversion)) {
    qsm::invert_closed_form(device, volumes.voxel_mm(), b0, local.view(), mask.view(),
                            qsm::closed_form_options(options), chi.field(), qsm::Control{});
  } else {
    DeviceVolume const weight = load_weight(device, volumes, mask, o);
    DeviceVolume edges;
    if (qsm::follows_edges(options.inversion)) {
      qsm::require(!o.magnitude.empty(), "INVALID_OPTION",
                   "--method medi follows the edges of the magnitude: give --magnitude");
      edges = volumes.upload(device, o.magnitude);
    }
    auto const report = qsm::invert_variational(
        device, volumes.voxel_mm(), b0, phase_scale(o), local.view(), mask.view(), weight.view(),
        qsm::variational_options(options), chi.field(), qsm::Control{}, edges.view());
    for (auto const& trial : report.alpha_trials) print_trial(trial);
    if (report.noise_ppm > 0) std::cout << "noise " << report.noise_ppm << " ppm\n";
    std::cout << report.iterations << " iterations, change " << report.change
              << (report.converged ? "" : ", tolerance not met") << "\nphase scale "
              << report.phase_scale << " rad/ppm, alpha " << report.alpha << ", mu1 " << report.mu1
              << "\nworking grid " << report.working_grid.nx << 'x' << report.working_grid.ny << 'x'
              << report.working_grid.nz << '\n';
  }
  double const subtracted =
      qsm::reference(device, reference_method(o.reference), mask.view(), chi.field(), csf.view());
  std::cout << "reference " << subtracted << " ppm\n";
  write_nifti(o.out, volumes.geometry(), chi.to_host());
  return 0;
}

void add_variational_options(CLI::App& app, InvertCommand& o) {
  app.add_option(
         "--alpha", o.alpha,
         "weight of total variation [rad]; 0: from the phase scale; auto: from the field's "
         "noise; equalise, l-curve, discrepancy: from short solves, four to five times as long")
      ->capture_default_str();
  app.add_option("--noise-ppm", o.variational.noise_ppm,
                 "standard deviation of the field, for --alpha discrepancy; 0: from its spectrum")
      ->capture_default_str();
  app.add_option("--ridge", o.variational.ridge,
                 "weight of the map's own square, of the data's; 0: none")
      ->capture_default_str();
  app.add_option("--rounding", o.variational.rounding_ppm,
                 "differences below this [ppm] are smoothed, not flattened; 0: none")
      ->capture_default_str();
  app.add_option("--mu1", o.variational.mu1,
                 "penalty of the gradient splitting; 0: 400 alpha / phase scale")
      ->capture_default_str();
  app.add_option("--mu2", o.variational.mu2, "penalty of the field splitting")
      ->capture_default_str();
  app.add_option("--relaxation", o.variational.relaxation, "over-relaxation of both; 1: none")
      ->capture_default_str();
  app.add_option("--iterations", o.variational.max_iterations,
                 "at most; 0: 50 for weak-harmonic, 80 for the others")
      ->capture_default_str();
  app.add_option("--tolerance", o.variational.tolerance, "relative change at which to stop")
      ->capture_default_str();
  app.add_option("--warm-start", o.variational.linear_iterations,
                 "first iterations with the linear model")
      ->capture_default_str();
  app.add_option("--phase-limit", o.variational.phase_limit,
                 "the phase scale is lowered until the phase is below this [rad]; 0: never")
      ->capture_default_str();
  app.add_option("--gradient-scaling", o.gradient_scaling,
                 "voxel: gradients know the voxel's shape; none: as FANSI")
      ->check(CLI::IsMember({"voxel", "none"}))
      ->capture_default_str();
}

}  // namespace

Command add_stage_invert(CLI::App& stage) {
  auto* const app = stage.add_subcommand("invert", "Invert the dipole");
  auto const o = std::make_shared<InvertCommand>();
  app->add_option("--field", o->field, "local field [ppm]")->required();
  app->add_option("--mask", o->mask, "where it is defined")->required();
  app->add_option("--magnitude", o->magnitude,
                  "makes the weight, unless one is given, and has the edges that medi follows");
  app->add_option("--weight", o->weight, "weight, 0 .. 1");
  app->add_option("--te", o->te_s, "effective echo time [s]");
  app->add_option("--b0", o->b0_t, "field strength [T]");
  app->add_option("--phase-scale", o->phase_scale, "instead of --te and --b0 [rad/ppm]");
  app->add_option("--b0-dir", o->b0_direction, "along the volume's axes; default: from the affine")
      ->expected(3);
  app->add_option("--method", o->method, "inversion")
      ->check(CLI::IsMember(method_row().choices))
      ->capture_default_str();
  add_variational_options(*app, *o);
  app->add_option("--threshold", o->closed_form.threshold, "TKD, TSVD: smallest |D| divided by")
      ->capture_default_str();
  app->add_option("--lambda", o->closed_form.lambda, "Tikhonov: weight of the map or its gradient")
      ->capture_default_str();
  app->add_option("--pad", o->pad, "voxels added to the volume, or auto")->capture_default_str();
  app->add_option("--reference", o->reference, "what chi is relative to")
      ->check(CLI::IsMember({"none", "mask", "csf"}))
      ->capture_default_str();
  app->add_option("--r2s", o->r2s, "R2* [1/s], for --reference csf");
  app->add_option("-o,--out", o->out, "susceptibility to write [ppm]")->required();
  return {app, [o] { return invert(*o); }};
}

}  // namespace chistream
