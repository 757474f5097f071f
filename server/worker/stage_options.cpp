#include "worker/stage_options.hpp"

#include <algorithm>

#include "worker/overrides.hpp"

namespace chistream {

void add_stage_options(CLI::App& app, std::string const& stage, qsm::PipelineOptions& options,
                       std::string const& prefix) {
  for (auto const& row : qsm::option_table()) {
    if (!row.name.starts_with(stage + ".")) continue;
    std::string flag = "--" + prefix + row.name.substr(stage.size() + 1);
    std::replace(flag.begin(), flag.end(), '_', '-');
    auto const set = [&options, name = row.name](std::string const& text) {
      apply(options, parse_override(name + "=" + text));
    };
    app.add_option_function<std::string>(flag, set, row.doc)
        ->default_str(to_text(row.get(options)))
        ->group("Options of the stage");
  }
}

}  // namespace chistream
