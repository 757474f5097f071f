#include "session/priority.hpp"

#include <map>

namespace chistream {

namespace {

std::map<std::string, qsm::v1::Priority> const& names() {
  static std::map<std::string, qsm::v1::Priority> const all{
      {"batch", qsm::v1::PRIORITY_BATCH},
      {"routine", qsm::v1::PRIORITY_ROUTINE},
      {"urgent", qsm::v1::PRIORITY_URGENT},
      {"emergency", qsm::v1::PRIORITY_EMERGENCY}};
  return all;
}

}  // namespace

std::string priority_name(qsm::v1::Priority priority) {
  for (auto const& [name, value] : names())
    if (value == priority) return name;
  return "routine";
}

std::optional<qsm::v1::Priority> priority_called(std::string const& name) {
  auto const found = names().find(name);
  if (found == names().end()) return std::nullopt;
  return found->second;
}

CLI::Option* add_priority(CLI::App& app, std::string const& name, qsm::v1::Priority& priority,
                          std::string const& help) {
  std::vector<std::string> choices;
  for (auto const& [choice, value] : names()) choices.push_back(choice);
  return app
      .add_option_function<std::string>(
          name, [&priority](std::string const& given) { priority = names().at(given); }, help)
      ->check(CLI::IsMember(choices));
}

}  // namespace chistream
