#include "formats/result_flags.hpp"

#include <algorithm>

#include "formats/series_kind.hpp"

namespace chistream {

namespace {

using Names = std::vector<std::string>;

CLI::Option* add_list(CLI::App& app, std::string const& flag, std::string const& description,
                      Names const& choices, std::function<void(Names const&)> const& chosen) {
  return app
      .add_option_function<Names>(flag, chosen, description + CLI::detail::join(choices, ", "))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember(choices).description(""))
      ->type_name("NAME,...");
}

bool contains(Names const& names, std::string const& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void add_series_flag(CLI::App& app, qsm::v1::JobSpec& spec) {
  std::vector<qsm::v1::SeriesKind> kinds = all_series();
  std::erase(kinds, qsm::v1::SERIES_KIND_SUSCEPTIBILITY);
  Names choices;
  for (auto const kind : kinds) choices.push_back(series_name(kind));
  choices.push_back("all");
  add_list(app, "--series", "DICOM series beside the susceptibility: ", choices,
           [&spec, kinds](Names const& asked) {
             spec.clear_series();
             for (auto const kind : kinds)
               if (contains(asked, "all") || contains(asked, series_name(kind)))
                 spec.add_series(kind);
           });
}

void add_objects_flag(CLI::App& app, qsm::v1::JobSpec& spec) {
  Names choices;
  for (auto const object : all_objects()) choices.push_back(object_name(object));
  add_list(app, "--objects", "DICOM objects beside MR images: ", choices,
           [&spec](Names const& asked) {
             spec.clear_objects();
             for (auto const object : all_objects())
               if (contains(asked, object_name(object))) spec.add_objects(object);
           });
}

}  // namespace

void add_result_flags(CLI::App& app, qsm::v1::JobSpec& spec) {
  add_series_flag(app, spec);
  add_objects_flag(app, spec);
  app.add_flag_callback(
      "--deidentify", [&spec] { spec.set_deidentify(true); },
      "the DICOM result names neither patient nor study nor source images");
  app.add_option_function<std::string>(
         "--qualification",
         [&spec](std::string const& name) {
           spec.set_qualification(qualification_called(name).value());
         },
         "what the DICOM result says it may be used for [research]")
      ->check(CLI::IsMember({"research", "product", "service"}));
}

}  // namespace chistream
