#include "pipeline/options.hpp"

#include <algorithm>
#include <cmath>

#include "device/error.hpp"

namespace qsm {
namespace {

using Options = PipelineOptions;

/// A row for a number reached by `reach(options) -> double&`.
template <class Reach>
OptionRow number(std::string name, std::string unit, double minimum, double maximum,
                 std::string doc, Reach reach) {
  return {
      .name = std::move(name),
      .unit = std::move(unit),
      .doc = std::move(doc),
      .minimum = minimum,
      .maximum = maximum,
      .integer = false,
      .choices = {},
      .get = [reach](Options const& o) -> OptionValue { return reach(const_cast<Options&>(o)); },
      .set = [reach](Options& o, OptionValue const& v) { reach(o) = std::get<double>(v); }};
}

template <class Reach>
OptionRow whole(std::string name, std::string unit, double minimum, double maximum, std::string doc,
                Reach reach) {
  OptionRow row{.name = std::move(name),
                .unit = std::move(unit),
                .doc = std::move(doc),
                .minimum = minimum,
                .maximum = maximum,
                .integer = true,
                .choices = {},
                .get = [reach](Options const& o) -> OptionValue {
                  return static_cast<double>(reach(const_cast<Options&>(o)));
                },
                .set = {}};
  row.set = [reach](Options& o, OptionValue const& v) {
    reach(o) = static_cast<int>(std::get<double>(v));
  };
  return row;
}

/// A row for an enumeration (or bool) whose values are 0, 1, .. in the order of `choices`.
template <class Reach>
OptionRow choice(std::string name, std::vector<std::string> choices, std::string doc, Reach reach) {
  OptionRow row{.name = std::move(name),
                .unit = "",
                .doc = std::move(doc),
                .minimum = 0,
                .maximum = 0,
                .integer = false,
                .choices = std::move(choices),
                .get = {},
                .set = {}};
  row.get = [reach, names = row.choices](Options const& o) -> OptionValue {
    return names[static_cast<std::size_t>(reach(const_cast<Options&>(o)))];
  };
  row.set = [reach, names = row.choices](Options& o, OptionValue const& v) {
    auto const at = std::find(names.begin(), names.end(), std::get<std::string>(v));
    using Value = std::remove_reference_t<decltype(reach(o))>;
    reach(o) = static_cast<Value>(at - names.begin());
  };
  return row;
}

std::vector<OptionRow> make_table() {
  std::vector<OptionRow> t;
  t.push_back(choice("coils.method", {"mcpc-3d-s", "adaptive"},
                     "removes each coil's offset, or gathers the most signal from whitened coils",
                     [](Options& o) -> CoilMethod& { return o.coil_method; }));
  t.push_back(number("coils.sigma_mm", "mm", 1, 50, "mcpc-3d-s: smoothing of the receive offsets",
                     [](Options& o) -> double& { return o.coils.sigma_mm; }));
  t.push_back(number("coils.neighbourhood_mm", "mm", 0.5, 20,
                     "adaptive: sigma of the neighbourhood that shares one combination",
                     [](Options& o) -> double& { return o.adaptive.sigma_mm; }));
  t.push_back(
      choice("coils.bipolar", {"off", "on", "auto"},
             "mcpc-3d-s: removes what a readout of alternating direction leaves between odd "
             "and even echoes; from three echoes on",
             [](Options& o) -> BipolarCorrection& { return o.bipolar; }));

  t.push_back(choice("mask.method", {"magnitude", "brain-surface"},
                     "a threshold, or a surface that grows until it meets the brain's edge",
                     [](Options& o) -> MaskMethod& { return o.mask.method; }));
  t.push_back(number("mask.threshold_factor", "", 0.1, 10, "scales the robust magnitude threshold",
                     [](Options& o) -> double& { return o.mask.threshold_factor; }));
  t.push_back(number("mask.max_hole_fraction", "", 0, 0.5, "largest hole filled, of the volume",
                     [](Options& o) -> double& { return o.mask.max_hole_fraction; }));
  t.push_back(number("mask.opening_mm", "mm", 0, 20,
                     "cuts bridges thinner than twice this, which parts brain from scalp; 0: off",
                     [](Options& o) -> double& { return o.mask.opening_mm; }));
  t.push_back(number("mask.fractional_intensity", "", 0.05, 0.95,
                     "brain surface: where the image has fallen to this; larger, smaller brain",
                     [](Options& o) -> double& { return o.mask.fractional_intensity; }));
  t.push_back(choice("mask.quality", {"off", "on", "auto"},
                     "cuts off where the phase does not fit its neighbours', beside air and bone; "
                     "auto: with one echo",
                     [](Options& o) -> QualityMask& { return o.mask_by_quality; }));
  t.push_back(number("mask.quality_threshold", "", 0, 1,
                     "what the phase's quality must exceed; noise has 0.2 to 0.4",
                     [](Options& o) -> double& { return o.quality_mask.quality_threshold; }));
  t.push_back(number("mask.erode_mm", "mm", 0, 20, "taken off the mask at last",
                     [](Options& o) -> double& { return o.mask.erode_mm; }));

  t.push_back(choice("unwrap.method", {"laplacian", "romeo", "best-path"},
                     "spatial unwrapping: least squares, or paths by one of two edge weights",
                     [](Options& o) -> UnwrapMethod& { return o.unwrap.method; }));
  t.push_back(choice("unwrap.mode", {"template", "individual"},
                     "paths: later echoes from the one before, or each in space",
                     [](Options& o) -> EchoMode& { return o.unwrap.mode; }));

  t.push_back(choice("field.method", {"linear", "nonlinear", "average"},
                     "fit over the echoes: of the phase, of the complex signal, or without offset",
                     [](Options& o) -> FieldMethod& { return o.field; }));
  t.push_back(number("field.offset_sigma_mm", "mm", 0, 50,
                     "smoothing of the phase at TE = 0 before the second fit; 0: one free fit",
                     [](Options& o) -> double& { return o.offset.sigma_mm; }));
  t.push_back(number("field.residual_sigmas", "", 1, 100,
                     "misfit of the echoes, in units of its expected value, that costs the weight",
                     [](Options& o) -> double& { return o.reliability.residual_sigmas; }));
  t.push_back(number("field.residual_min_rad", "rad", 0, 3.2, "a misfit below this is harmless",
                     [](Options& o) -> double& { return o.reliability.residual_min_rad; }));
  t.push_back(number("field.residual_max_rad", "rad", 0.01, 10,
                     "a misfit beyond this is never excused by noise",
                     [](Options& o) -> double& { return o.reliability.residual_max_rad; }));
  t.push_back(number("field.leap_turns", "turns", 0.01, 100,
                     "step to the neighbours' median, at the last echo, that costs the weight",
                     [](Options& o) -> double& { return o.reliability.leap_turns; }));
  t.push_back(number("field.leap_sigmas", "", 1, 1000,
                     "the same step in units of the neighbours' spread",
                     [](Options& o) -> double& { return o.reliability.leap_sigmas; }));
  t.push_back(number("field.min_quality", "", 0, 1,
                     "quality of the phase below which a voxel loses its weight; 0: no rule",
                     [](Options& o) -> double& { return o.reliability.min_quality; }));

  t.push_back(choice("r2s.method", {"auto", "arlo", "log-linear", "nonlinear"},
                     "fit of the decay; auto: arlo where the echoes are equidistant",
                     [](Options& o) -> R2sMethod& { return o.r2s.method; }));
  t.push_back(number("r2s.noise_floor", "", 0, 1e9,
                     "of the magnitudes, in their unit, for the nonlinear fit; 0: none",
                     [](Options& o) -> double& { return o.r2s.noise_floor; }));

  t.push_back(choice("background.method", {"vsharp", "vsharp-ls", "sharp"},
                     "background field removal; vsharp-ls keeps the rim of the mask",
                     [](Options& o) -> BackgroundMethod& { return o.background.method; }));
  OptionRow radii{.name = "background.radii_mm",
                  .unit = "mm",
                  .doc = "ball radii, strictly decreasing; empty: by method and voxel size",
                  .minimum = 0.5,
                  .maximum = 60,
                  .integer = false,
                  .choices = {},
                  .get = [](Options const& o) -> OptionValue { return o.background.radii_mm; },
                  .set = {}};
  radii.set = [](Options& o, OptionValue const& v) {
    o.background.radii_mm = std::get<std::vector<double>>(v);
  };
  t.push_back(std::move(radii));
  t.push_back(number("background.threshold", "", 0, 0.9,
                     "vsharp, sharp: frequencies with |1 - S| below this are dropped; 0: the "
                     "method's own, 0.4 and 0.07",
                     [](Options& o) -> double& { return o.background.threshold; }));
  t.push_back(choice("background.moment_match", {"off", "on"},
                     "weights the balls for anisotropic voxels",
                     [](Options& o) -> bool& { return o.background.moment_match; }));
  t.push_back(number("background.lambda", "", 1e-6, 1,
                     "vsharp-ls: weight of the local field's energy",
                     [](Options& o) -> double& { return o.background.lambda; }));
  t.push_back(whole("background.iterations", "", 1, 1000, "vsharp-ls: conjugate gradient steps",
                    [](Options& o) -> int& { return o.background.iterations; }));

  t.push_back(choice("inversion.method",
                     {"fansi-nltv", "tv", "medi", "l1", "hd-qsm", "fansi-nltgv", "tgv",
                      "weak-harmonic", "tkd", "tsvd", "tikhonov", "tikhonov-gradient"},
                     "dipole inversion",
                     [](Options& o) -> InversionMethod& { return o.inversion; }));
  t.push_back(choice("inversion.alpha_rule",
                     {"fixed", "noise", "equalise", "l-curve", "discrepancy"},
                     "total variation's weight: as inversion.alpha says, from the field's noise, "
                     "or from the maps of several weights, which takes four to five times as long",
                     [](Options& o) -> AlphaRule& { return o.variational.alpha_rule; }));
  t.push_back(number("inversion.alpha", "rad", 0, 1,
                     "weight of total variation; 0: from the phase scale",
                     [](Options& o) -> double& { return o.variational.alpha; }));
  t.push_back(number("inversion.rounding", "ppm", 0, 1,
                     "differences below this are smoothed, not flattened; 0: none",
                     [](Options& o) -> double& { return o.variational.rounding_ppm; }));
  t.push_back(number("inversion.ridge", "", 0, 1,
                     "weight of the map's own square, of the data's; 0: none",
                     [](Options& o) -> double& { return o.variational.ridge; }));
  t.push_back(number("inversion.mu1", "", 0, 1e3, "penalty of the gradient splitting; 0: automatic",
                     [](Options& o) -> double& { return o.variational.mu1; }));
  t.push_back(number("inversion.mu2", "", 1, 1e3, "penalty of the field splitting",
                     [](Options& o) -> double& { return o.variational.mu2; }));
  t.push_back(number("inversion.relaxation", "", 1, 1.95,
                     "over-relaxation of both splittings; 1: none",
                     [](Options& o) -> double& { return o.variational.relaxation; }));
  t.push_back(whole("inversion.iterations", "", 0, 10000,
                    "most iterations; 0: by the method, 50 to 80",
                    [](Options& o) -> int& { return o.variational.max_iterations; }));
  t.push_back(number("inversion.tolerance", "", 0, 1, "relative change at which iterating ends",
                     [](Options& o) -> double& { return o.variational.tolerance; }));
  t.push_back(whole("inversion.warm_start", "", 0, 10000, "first iterations with the linear model",
                    [](Options& o) -> int& { return o.variational.linear_iterations; }));
  t.push_back(whole("inversion.pad", "voxels", -1, 1024, "padding of the volume; -1: automatic",
                    [](Options& o) -> int& { return o.variational.pad_voxels; }));
  t.push_back(choice("inversion.gradient_scaling", {"none", "voxel"},
                     "whether gradients know the voxel's shape",
                     [](Options& o) -> bool& { return o.variational.scale_gradients; }));
  t.push_back(number("inversion.tkd_threshold", "", 0.01, 0.66,
                     "TKD, TSVD: smallest |D| divided by",
                     [](Options& o) -> double& { return o.closed_form.threshold; }));
  t.push_back(number("inversion.lambda", "", 1e-6, 1, "Tikhonov: weight of the map or its gradient",
                     [](Options& o) -> double& { return o.closed_form.lambda; }));
  t.push_back(choice("inversion.reference", {"none", "mask", "csf"}, "what chi is relative to",
                     [](Options& o) -> ReferenceMethod& { return o.reference; }));
  return t;
}

std::string text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%g", value);
  return buffer;
}

void check_range(OptionRow const& row, double value) {
  require(std::isfinite(value) && value >= row.minimum && value <= row.maximum,
          "OPTION_OUT_OF_RANGE",
          row.name + " = " + text(value) + " is outside " + text(row.minimum) + " .. " +
              text(row.maximum) + (row.unit.empty() ? "" : " " + row.unit));
  require(!row.integer || value == std::floor(value), "OPTION_TYPE",
          row.name + " = " + text(value) + " is not a whole number");
}

}  // namespace

ClosedFormOptions closed_form_options(PipelineOptions const& options) {
  auto chosen = options.closed_form;
  chosen.method = static_cast<ClosedForm>(static_cast<int>(options.inversion) -
                                          static_cast<int>(InversionMethod::kTkd));
  return chosen;
}

VariationalOptions variational_options(PipelineOptions const& options) {
  auto chosen = options.variational;
  switch (options.inversion) {
    case InversionMethod::kTv:
      chosen.misfit = Misfit::kQuadratic;
      break;
    case InversionMethod::kL1:
      chosen.misfit = Misfit::kAbsolutePhase;
      break;
    case InversionMethod::kHd:
      chosen.misfit = Misfit::kQuadratic;
      chosen.discount_misfit = true;
      break;
    case InversionMethod::kNltgv:
      chosen.prior = Prior::kTgv;
      break;
    case InversionMethod::kTgv:
      chosen.misfit = Misfit::kQuadratic;
      chosen.prior = Prior::kTgv;
      break;
    case InversionMethod::kWeakHarmonic:
      chosen.prior = Prior::kWeakHarmonic;
      break;
    default:  // nonlinear total variation; MEDI's is told the edges beside the options
      break;
  }
  return chosen;
}

bool follows_edges(InversionMethod method) {
  return method == InversionMethod::kMedi;
}

std::vector<OptionRow> const& option_table() {
  static std::vector<OptionRow> const table = make_table();
  return table;
}

OptionRow const& option_row(std::string const& name) {
  auto const& table = option_table();
  auto const row =
      std::find_if(table.begin(), table.end(), [&](OptionRow const& r) { return r.name == name; });
  require(row != table.end(), "UNKNOWN_OPTION", "there is no option " + name);
  return *row;
}

void set_option(PipelineOptions& options, std::string const& name, OptionValue const& value) {
  OptionRow const& row = option_row(name);
  require(row.get(options).index() == value.index(), "OPTION_TYPE",
          name + " takes " +
              (!row.choices.empty()                               ? "a choice"
               : std::holds_alternative<double>(row.get(options)) ? "a number"
                                                                  : "a list"));
  if (auto const* n = std::get_if<double>(&value)) check_range(row, *n);
  if (auto const* list = std::get_if<std::vector<double>>(&value))
    for (double const v : *list) check_range(row, v);
  if (auto const* chosen = std::get_if<std::string>(&value)) {
    std::string accepted;
    for (auto const& c : row.choices) accepted += (accepted.empty() ? "" : ", ") + c;
    require(std::find(row.choices.begin(), row.choices.end(), *chosen) != row.choices.end(),
            "OPTION_OUT_OF_RANGE", name + " = " + *chosen + " is not one of " + accepted);
  }
  row.set(options, value);
}

std::vector<Preset> const& presets() {
  static std::vector<Preset> const all = [] {
    PipelineOptions third;
    third.inversion = InversionMethod::kNltv;
    PipelineOptions second = third;
    second.variational.relaxation = 1;
    second.variational.max_iterations = 150;
    PipelineOptions first = second;
    first.background.method = BackgroundMethod::kVsharp;
    first.mask_by_quality = QualityMask::kOff;
    first.bipolar = BipolarCorrection::kOff;
    PipelineOptions seven_tesla;
    seven_tesla.variational.alpha_rule = AlphaRule::kNoise;
    seven_tesla.reliability.residual_min_rad = 0.4;
    return std::vector<Preset>{
        {.name = "brain-3t",
         .version = 4,
         .doc = "multi-echo gradient echo of a brain at 3 T: MCPC-3D-S, V-SHARP by least squares, "
                "nonlinear TV beside the background that is left",
         .options = {}},
        {.name = "brain-3t",
         .version = 3,
         .doc = "the same without looking for more background in the inversion",
         .options = third},
        {.name = "brain-3t",
         .version = 2,
         .doc = "version 3 without over-relaxation: nearly twice the iterations for the same map",
         .options = second},
        {.name = "brain-3t",
         .version = 1,
         .doc = "the first: V-SHARP in its direct form, nothing found out from the scan itself",
         .options = first},
        {.name = "brain-7t",
         .version = 1,
         .doc =
             "brain-3t@4 for a brain at 7 T: total variation's weight from the field's noise, and "
             "a misfit of the echoes counts by the field it stands for",
         .options = seven_tesla}};
  }();
  return all;
}

}  // namespace qsm
