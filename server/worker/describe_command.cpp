// `describe`: the catalogue that the daemon reads, or a page for people.
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>

#include "worker/catalogue.hpp"
#include "worker/commands.hpp"
#include "worker/overrides.hpp"

namespace chistream {

namespace {

std::string accepted(qsm::v1::OptionDescription const& option) {
  std::ostringstream text;
  if (option.choices().empty()) text << option.minimum() << " .. " << option.maximum();
  for (int i = 0; i < option.choices_size(); ++i) text << (i ? " | " : "") << option.choices(i);
  if (!option.unit().empty()) text << ' ' << option.unit();
  return text.str();
}

void print(qsm::v1::WorkerCatalogue const& all) {
  std::cout << all.software() << ' ' << all.version() << ", " << all.device_kind() << " worker\n";
  if (all.devices().empty()) std::cout << "no device answers\n";
  for (auto const& device : all.devices())
    std::cout << "device " << device.index() << ": " << device.name() << ", "
              << (device.memory_bytes() >> 20) << " MiB\n";
  for (auto const& pipeline : all.pipelines()) {
    std::cout << '\n' << pipeline.name() << '@' << pipeline.version() << ": " << pipeline.doc();
    std::cout << "\nstages:";
    for (auto const& stage : pipeline.stages()) std::cout << ' ' << stage;
    std::cout << '\n' << std::left;
    auto const& preset = find_preset(pipeline.name() + '@' + std::to_string(pipeline.version()));
    for (int i = 0; i < pipeline.options_size(); ++i) {
      auto const& option = pipeline.options(i);
      auto const& row = qsm::option_table()[static_cast<std::size_t>(i)];
      std::cout << "  " << std::setw(28) << option.name() << std::setw(16)
                << to_text(row.get(preset.options)) << option.doc() << '\n'
                << std::setw(46) << "" << accepted(option) << '\n';
    }
  }
}

}  // namespace

Command add_describe(CLI::App& program) {
  auto* const app = program.add_subcommand("describe", "What this worker can do, and on what");
  auto const text = std::make_shared<bool>(false);
  app->add_flag("--text", *text, "for people; without it a serialised qsm.v1.WorkerCatalogue");
  return {app, [text] {
            auto const all = catalogue();
            if (*text)
              print(all);
            else
              all.SerializeToOstream(&std::cout);
            std::cout.flush();
            return std::cout ? 0 : 1;
          }};
}

}  // namespace chistream
