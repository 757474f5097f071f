#include "worker/report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "worker/catalogue.hpp"

namespace chistream {

namespace {

using Json = nlohmann::ordered_json;

Json parameters(qsm::PipelineOptions const& options) {
  Json all = Json::object();
  for (auto const& row : qsm::option_table()) {
    std::visit([&](auto const& value) { all[row.name] = value; }, row.get(options));
    if (row.integer) all[row.name] = all[row.name].get<long>();
  }
  return all;
}

Json vector(qsm::v1::Vector3 const& v) {
  return {v.x(), v.y(), v.z()};
}

Json geometry(qsm::v1::Geometry const& g) {
  return {{"matrix", {g.matrix().x(), g.matrix().y(), g.matrix().z()}},
          {"voxel_mm", vector(g.voxel_mm())},
          {"origin_lps_mm", vector(g.origin_lps_mm())},
          {"x_direction_lps", vector(g.x_direction_lps())},
          {"y_direction_lps", vector(g.y_direction_lps())},
          {"z_direction_lps", vector(g.z_direction_lps())}};
}

auto count(std::vector<std::uint8_t> const& mask) {
  return std::count_if(mask.begin(), mask.end(), [](std::uint8_t m) { return m != 0; });
}

}  // namespace

std::string parameters_json(qsm::PipelineOptions const& options) {
  return parameters(options).dump();
}

std::string reference_name(qsm::PipelineOptions const& options) {
  switch (options.reference) {
    case qsm::ReferenceMethod::kMaskMean:
      return "brain";
    case qsm::ReferenceMethod::kCsf:
      return "csf";
    case qsm::ReferenceMethod::kNone:
      break;
  }
  return "none";
}

std::string derivation_line(qsm::PipelineOptions const& options, double inversion_alpha) {
  Json const p = parameters(options);
  auto const entry = [&](char const* name) {
    return std::string(" ") + name + "=" + p[name].dump();
  };
  std::string line = "MCPC-3D-S, unwrapping " + p["unwrap.method"].get<std::string>() +
                     ", field " + p["field.method"].get<std::string>() + ", " +
                     p["background.method"].get<std::string>();
  if (options.background.method == qsm::BackgroundMethod::kVsharpLs)
    line += entry("background.lambda") + entry("background.iterations");
  else
    line += entry("background.threshold");
  if (!options.background.radii_mm.empty()) line += entry("background.radii_mm");
  line += ", " + p["inversion.method"].get<std::string>();
  if (qsm::is_closed_form(options.inversion))
    return line + entry(options.inversion < qsm::InversionMethod::kTikhonov
                            ? "inversion.tkd_threshold"
                            : "inversion.lambda");
  return line + " inversion.alpha=" + Json(inversion_alpha).dump() + entry("inversion.mu1") +
         entry("inversion.mu2") + entry("inversion.iterations") + entry("inversion.tolerance");
}

std::string make_report(ReportInput const& input) {
  auto const& exam = input.series.exam;
  auto const& result = input.result;
  Json warnings = Json::array();
  for (auto const& warning : exam.warnings()) warnings.push_back(warning);
  for (auto const& warning : result.warnings) warnings.push_back(warning);
  Json const report = {{"software", {{"name", kSoftware}, {"version", kVersion}}},
                       {"device", {{"kind", input.device_kind}, {"name", input.device_name}}},
                       {"pipeline", input.series.provenance.pipeline},
                       {"parameters", parameters(input.options)},
                       {"parameters_sha256", input.series.provenance.parameters_sha256},
                       {"input",
                        {{"sha256", input.series.provenance.input_sha256},
                         {"source_format", exam.source_format()},
                         {"content", qsm::v1::ContentKind_Name(exam.content())},
                         {"geometry", geometry(exam.geometry())},
                         {"coils", exam.coils()},
                         {"te_s", std::vector<double>(exam.te_s().begin(), exam.te_s().end())},
                         {"tr_s", exam.tr_s()},
                         {"flip_angle_deg", exam.flip_angle_deg()},
                         {"b0_t", exam.b0_t()},
                         {"frequency_hz", exam.frequency_hz()},
                         {"phase_sign", exam.phase_sign() < 0 ? -1 : 1}}},
                       {"result",
                        {{"phase_scale_rad_per_ppm", result.phase_scale_rad_per_ppm},
                         {"inversion_alpha", result.inversion_alpha},
                         {"reference", input.series.reference},
                         {"reference_ppm", result.reference_ppm},
                         {"inversion_iterations", result.inversion_iterations},
                         {"inversion_converged", result.inversion_converged},
                         {"inversion_residuals", result.inversion_residuals},
                         {"brain_mask_voxels", count(result.brain_mask)},
                         {"mask_voxels", count(result.mask)},
                         {"excluded_voxels", result.excluded_voxels},
                         {"saturated_voxels", input.saturated_voxels}}},
                       {"warnings", warnings}};
  return report.dump(2) + "\n";
}

}  // namespace chistream
