/// Every option of the chain, with the default values in their only place (the stage headers), and
/// a table that names each with its unit and range for whoever offers them to people.
#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "background/background.hpp"
#include "coils/adaptive.hpp"
#include "coils/mcpc3ds.hpp"
#include "inversion/closed_form.hpp"
#include "inversion/reference.hpp"
#include "inversion/variational.hpp"
#include "mask/combine_masks.hpp"
#include "mask/mask_options.hpp"
#include "phase/reliability.hpp"
#include "phase/romeo_unwrap.hpp"
#include "phase/smooth_offset.hpp"
#include "relaxometry/r2s.hpp"

namespace qsm {

/// Whether voxels of bad phase at the rim leave the mask. kAuto: with one echo, of which no fit
/// says what is wrong.
enum class QualityMask { kOff, kOn, kAuto };
/// kAuto: where the scan says that its readout alternates, and its echoes can show it.
enum class BipolarCorrection { kOff, kOn, kAuto };
enum class CoilMethod { kMcpc3ds, kAdaptive };
enum class UnwrapMethod { kLaplacian, kRomeo, kBestPath };
enum class FieldMethod { kLinear, kNonlinear, kAverage };
/// First the variational ones (variational_options() says which functional each is), then the
/// closed forms, in the order of ClosedForm.
enum class InversionMethod {
  kNltv,
  kTv,
  kMedi,
  kL1,
  kHd,
  kNltgv,
  kTgv,
  kWeakHarmonic,
  kTkd,
  kTsvd,
  kTikhonov,
  kTikhonovGradient
};

inline bool is_closed_form(InversionMethod m) {
  return m >= InversionMethod::kTkd;
}

struct UnwrapOptions {
  UnwrapMethod method = UnwrapMethod::kLaplacian;
  EchoMode mode = EchoMode::kTemplate;  // the Laplacian knows the template only

  RomeoOptions paths() const {
    return {
        .weights = method == UnwrapMethod::kBestPath ? PathWeights::kBestPath : PathWeights::kRomeo,
        .mode = mode};
  }
};

/// Maps that are computed, or kept, only for who asks. They change no other result, so they are no
/// rows of the table.
struct ExtraMaps {
  bool field_noise = false;
  bool quality = false;
  bool uncertainty = false;  // takes nine times as long as background removal and inversion
};

struct PipelineOptions {
  CoilMethod coil_method = CoilMethod::kMcpc3ds;  // one echo: a virtual reference coil
  Mcpc3dsOptions coils;
  AdaptiveOptions adaptive;
  BipolarCorrection bipolar = BipolarCorrection::kAuto;
  MaskOptions mask;
  QualityMask mask_by_quality = QualityMask::kAuto;
  CombineMasksOptions quality_mask;
  UnwrapOptions unwrap;
  FieldMethod field = FieldMethod::kLinear;
  OffsetOptions offset;
  ReliabilityOptions reliability;
  R2sOptions r2s;
  BackgroundOptions background;
  InversionMethod inversion = InversionMethod::kWeakHarmonic;
  VariationalOptions variational;  // its functional is that of `inversion`
  ClosedFormOptions closed_form;   // its method is that of `inversion`
  ReferenceMethod reference = ReferenceMethod::kMaskMean;
  ExtraMaps extra;
};

/// The options an inversion runs with, once its method is chosen.
ClosedFormOptions closed_form_options(PipelineOptions const& options);
VariationalOptions variational_options(PipelineOptions const& options);
/// Whether it follows the edges of the magnitude.
bool follows_edges(InversionMethod method);

/// A number, a list of numbers, or a choice by name.
using OptionValue = std::variant<double, std::vector<double>, std::string>;

/// One row of the table. `minimum` and `maximum` are inclusive and bound list elements too.
struct OptionRow {
  std::string name;  // "stage.option"
  std::string unit;  // "" for a pure number
  std::string doc;
  double minimum = 0;
  double maximum = 0;
  bool integer = false;
  std::vector<std::string> choices;
  std::function<OptionValue(PipelineOptions const&)> get;
  std::function<void(PipelineOptions&, OptionValue const&)> set;
};

std::vector<OptionRow> const& option_table();

/// Throws Error{kInvalidArgument, "UNKNOWN_OPTION"}.
OptionRow const& option_row(std::string const& name);

/// Throws Error{kInvalidArgument}: UNKNOWN_OPTION, OPTION_TYPE, OPTION_OUT_OF_RANGE, each with the
/// name, the value and what is accepted.
void set_option(PipelineOptions& options, std::string const& name, OptionValue const& value);

/// A named, versioned starting point.
struct Preset {
  std::string name;
  unsigned version = 1;
  std::string doc;
  PipelineOptions options;
};

/// The first is the default.
std::vector<Preset> const& presets();

}  // namespace qsm
