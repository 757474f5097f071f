// `stage score`: how far a map is from the truth.
#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "formats/format_error.hpp"
#include "metrics/metrics.hpp"
#include "simulate/head_phantom.hpp"
#include "worker/commands.hpp"
#include "worker/stage_volumes.hpp"

namespace chistream {

namespace {

using Json = nlohmann::ordered_json;

struct ScoreCommand {
  std::filesystem::path recon, truth, mask, labels;
  std::string scheme = "chistream";
  std::vector<std::string> json;  // empty value: stdout
};

/// The labels of `simulate`.
qsm::LabelScheme simulated_labels() {
  auto const label = [](qsm::Tissue t) { return static_cast<int>(t); };
  using qsm::Tissue;
  return {
      .deep_grey = {label(Tissue::kCaudate), label(Tissue::kPutamen), label(Tissue::kPallidum),
                    label(Tissue::kRedNucleus), label(Tissue::kSubstantiaNigra),
                    label(Tissue::kDentate)},
      .tissue = {label(Tissue::kThalamus), label(Tissue::kWhiteMatter), label(Tissue::kGreyMatter)},
      .vein = label(Tissue::kVein),
      .calcification = label(Tissue::kCalcification)};
}

/// Zero outside the mask, as the windowed scores ask for; an undefined voxel counts as zero there.
std::vector<double> masked(std::vector<float> const& values,
                           std::vector<std::uint8_t> const& mask) {
  std::vector<double> result(values.size());
  for (std::size_t n = 0; n < values.size(); ++n)
    if (mask[n]) result[n] = static_cast<double>(values[n]);
  return result;
}

void add_region_scores(Json& scores, StageVolumes& volumes, ScoreCommand const& o,
                       std::vector<double> const& recon, std::vector<double> const& truth,
                       std::vector<std::uint8_t> const& mask) {
  auto const labels = volumes.labels(o.labels);
  auto const scheme = o.scheme == "chistream" ? simulated_labels() : qsm::LabelScheme{};
  auto const r = qsm::region_scores(volumes.grid(), recon, truth, mask, labels, scheme);
  scores["nrmse_tissue"] = r.nrmse_tissue;
  scores["nrmse_blood"] = r.nrmse_blood;
  scores["nrmse_dgm"] = r.nrmse_dgm;
  scores["dgm_slope"] = r.dgm_slope;
  scores["dgm_linearity"] = r.dgm_linearity;
  scores["calc_moment_dev"] = r.calc_moment_dev;
  scores["calc_streak"] = r.calc_streak;
}

int score(ScoreCommand const& o, bool as_json) {
  StageVolumes volumes;
  auto const mask = volumes.mask(o.mask);
  auto const recon = masked(volumes.volume(o.recon), mask);
  auto const truth = masked(volumes.volume(o.truth), mask);
  Json scores;
  scores["nrmse"] = qsm::nrmse(recon, truth, mask);
  scores["nrmse_detrend"] = qsm::nrmse_detrend(recon, truth, mask);
  scores["correlation"] = qsm::correlation(recon, truth, mask);
  scores["xsim"] = qsm::xsim(volumes.grid(), recon, truth, mask);
  scores["hfen"] = qsm::hfen(volumes.grid(), recon, truth, mask);
  if (!o.labels.empty()) add_region_scores(scores, volumes, o, recon, truth, mask);

  if (!as_json) {
    for (auto const& [name, value] : scores.items())
      std::cout << name << ' ' << value.get<double>() << '\n';
    return 0;
  }
  if (o.json.empty() || o.json.front().empty()) {  // NaN becomes null
    std::cout << scores.dump(2) << '\n';
    return 0;
  }
  std::ofstream file(o.json.front());
  file << scores.dump(2) << '\n';
  file.close();
  if (!file) throw FormatError("FILE_UNWRITABLE", "cannot write the scores");
  return 0;
}

}  // namespace

Command add_stage_score(CLI::App& stage) {
  auto* const app = stage.add_subcommand("score", "Compare a map with the truth inside a mask");
  auto const o = std::make_shared<ScoreCommand>();
  app->add_option("--recon", o->recon, "map [ppm]")->required();
  app->add_option("--truth", o->truth, "true map [ppm]")->required();
  app->add_option("--mask", o->mask, "where to compare")->required();
  app->add_option("--labels", o->labels, "tissue labels, for the scores by region");
  app->add_option("--label-scheme", o->scheme, "which label means what")
      ->check(CLI::IsMember({"chistream", "qsm-ci"}))
      ->capture_default_str();
  auto* const json = app->add_option("--json", o->json, "as JSON, to a file or else to the output")
                         ->expected(0, 1);
  return {app, [o, json] { return score(*o, json->count() > 0); }};
}

}  // namespace chistream
