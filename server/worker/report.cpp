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

/// Options as descriptions quote them.
class OptionText {
 public:
  explicit OptionText(qsm::PipelineOptions const& options) : all_(parameters(options)) {}
  std::string operator[](char const* choice) const { return all_[choice].get<std::string>(); }
  std::string entry(char const* name) const {
    return std::string(" ") + name + "=" + all_[name].dump();
  }

 private:
  Json all_;
};

std::string field_line(OptionText const& p) {
  std::string const coils = p["coils.method"] == "adaptive" ? "adaptive coils" : "MCPC-3D-S";
  return coils + ", unwrapping " + p["unwrap.method"] + ", field " + p["field.method"];
}

std::string local_field_line(OptionText const& p, qsm::PipelineOptions const& options) {
  std::string line = field_line(p) + ", " + p["background.method"];
  if (options.background.method == qsm::BackgroundMethod::kVsharpLs)
    line += p.entry("background.lambda") + p.entry("background.iterations");
  else
    line += " background.threshold=" + Json(qsm::threshold_of(options.background)).dump();
  if (!options.background.radii_mm.empty()) line += p.entry("background.radii_mm");
  return line;
}

}  // namespace

std::uint64_t count(std::vector<std::uint8_t> const& mask) {
  return static_cast<std::uint64_t>(
      std::count_if(mask.begin(), mask.end(), [](std::uint8_t m) { return m != 0; }));
}

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

std::string inversion_line(qsm::PipelineOptions const& options, double inversion_alpha) {
  OptionText const p(options);
  std::string const line = local_field_line(p, options) + ", " + p["inversion.method"];
  if (qsm::is_closed_form(options.inversion))
    return line + p.entry(options.inversion < qsm::InversionMethod::kTikhonov
                              ? "inversion.tkd_threshold"
                              : "inversion.lambda");
  return line + " inversion.alpha=" + Json(inversion_alpha).dump() +
         p.entry("inversion.alpha_rule") + p.entry("inversion.rounding") +
         p.entry("inversion.ridge") + p.entry("inversion.mu1") + p.entry("inversion.mu2") +
         p.entry("inversion.iterations") + p.entry("inversion.tolerance");
}

std::string derivation_line(qsm::v1::SeriesKind kind, qsm::PipelineOptions const& options) {
  OptionText const p(options);
  switch (kind) {
    case qsm::v1::SERIES_KIND_LOCAL_FIELD:
    case qsm::v1::SERIES_KIND_MASK:
      return local_field_line(p, options);
    case qsm::v1::SERIES_KIND_R2S:
      return "magnitudes of all echoes," + p.entry("r2s.method");
    case qsm::v1::SERIES_KIND_MAGNITUDE:
      return "root of the summed squares of the echoes";
    case qsm::v1::SERIES_KIND_QUALITY:
      return "ROMEO quality of the first echo";
    default:
      return field_line(p);
  }
}

std::string make_report(ReportInput const& input) {
  auto const& exam = input.series.exam;
  auto const& result = input.result;
  Json warnings = Json::array();
  for (auto const& warning : exam.warnings()) warnings.push_back(warning);
  for (auto const& warning : input.warnings) warnings.push_back(warning);
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
