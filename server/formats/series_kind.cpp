#include "formats/series_kind.hpp"

#include <algorithm>
#include <set>

namespace chistream {

std::string series_name(qsm::v1::SeriesKind kind) {
  constexpr std::string_view kPrefix = "SERIES_KIND_";
  std::string name = qsm::v1::SeriesKind_Name(kind).substr(kPrefix.size());
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return name;
}

std::vector<qsm::v1::SeriesKind> all_series() {
  std::vector<qsm::v1::SeriesKind> all;
  for (int k = qsm::v1::SERIES_KIND_SUSCEPTIBILITY; k <= qsm::v1::SeriesKind_MAX; ++k)
    all.push_back(static_cast<qsm::v1::SeriesKind>(k));
  return all;
}

std::optional<qsm::v1::SeriesKind> series_called(std::string const& name) {
  for (auto const kind : all_series())
    if (series_name(kind) == name) return kind;
  return std::nullopt;
}

std::optional<qsm::v1::DicomObject> object_called(std::string const& name) {
  if (name == "enhanced-mr") return qsm::v1::DICOM_OBJECT_ENHANCED_MR;
  if (name == "parametric-map") return qsm::v1::DICOM_OBJECT_PARAMETRIC_MAP;
  return std::nullopt;
}

void add_objects_flag(CLI::App& app, qsm::v1::JobSpec& spec) {
  app.add_option_function<std::vector<std::string>>(
         "--objects",
         [&spec](std::vector<std::string> const& asked) {
           std::set<std::string> const wanted(asked.begin(), asked.end());
           spec.clear_objects();
           for (auto const& name : wanted) spec.add_objects(object_called(name).value());
         },
         "DICOM objects beside MR images: enhanced-mr, parametric-map (float32)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"enhanced-mr", "parametric-map"}).description(""))
      ->type_name("NAME,...");
}

void add_series_flag(CLI::App& app, qsm::v1::JobSpec& spec) {
  std::string names;
  std::vector<std::string> choices{"all"};
  for (auto const kind : all_series()) {
    if (kind == qsm::v1::SERIES_KIND_SUSCEPTIBILITY) continue;
    choices.push_back(series_name(kind));
    names += series_name(kind) + ", ";
  }
  app.add_option_function<std::vector<std::string>>(
         "--series",
         [&spec](std::vector<std::string> const& asked) {
           std::set<std::string> const wanted(asked.begin(), asked.end());
           spec.clear_series();
           for (auto const kind : all_series())
             if (kind != qsm::v1::SERIES_KIND_SUSCEPTIBILITY &&
                 (wanted.contains("all") || wanted.contains(series_name(kind))))
               spec.add_series(kind);
         },
         "DICOM series beside the susceptibility: " + names + "all")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember(choices).description(""))
      ->type_name("NAME,...");
}

}  // namespace chistream
