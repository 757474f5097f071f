#include "worker/overrides.hpp"

#include <charconv>
#include <sstream>

#include "device/error.hpp"

namespace chistream {

namespace {

double parse_number(std::string const& option, std::string_view text) {
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  qsm::require(error == std::errc() && end == text.data() + text.size(), "OPTION_TYPE",
               option + " takes a number, not '" + std::string(text) + "'");
  return value;
}

std::vector<double> parse_list(std::string const& option, std::string const& text) {
  std::vector<double> values;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');)
    values.push_back(parse_number(option, part));
  return values;
}

}  // namespace

std::string full_name(qsm::Preset const& preset) {
  return preset.name + "@" + std::to_string(preset.version);
}

qsm::Preset const& find_preset(std::string_view name) {
  if (name.empty()) return qsm::presets().front();
  for (auto const& preset : qsm::presets())
    if (name == preset.name || name == full_name(preset)) return preset;
  std::string known;
  for (auto const& preset : qsm::presets()) known.append(" ").append(full_name(preset));
  throw qsm::Error(qsm::ErrorCode::kInvalidArgument, "UNKNOWN_PIPELINE",
                   "there is no pipeline '" + std::string(name) + "', only" + known);
}

void apply(qsm::PipelineOptions& options, qsm::v1::Override const& change) {
  qsm::OptionValue value;
  switch (change.value_case()) {
    case qsm::v1::Override::kNumber:
      value = change.number();
      break;
    case qsm::v1::Override::kChoice:
      value = change.choice();
      break;
    case qsm::v1::Override::kList:
      value = std::vector<double>(change.list().values().begin(), change.list().values().end());
      break;
    case qsm::v1::Override::VALUE_NOT_SET:
      throw qsm::Error(qsm::ErrorCode::kInvalidArgument, "OPTION_TYPE",
                       "no value is given for " + change.option());
  }
  qsm::set_option(options, change.option(), value);
}

qsm::v1::Override parse_override(std::string_view assignment) {
  auto const equals = assignment.find('=');
  qsm::require(equals != std::string_view::npos, "OPTION_TYPE",
               std::string(assignment) + " is not of the form stage.option=value");
  std::string const name(assignment.substr(0, equals));
  std::string const text(assignment.substr(equals + 1));
  qsm::OptionValue const example = qsm::option_row(name).get({});
  if (std::holds_alternative<double>(example)) return to_override(name, parse_number(name, text));
  if (std::holds_alternative<std::string>(example)) return to_override(name, text);
  return to_override(name, parse_list(name, text));
}

std::string to_text(qsm::OptionValue const& value) {
  if (auto const* choice = std::get_if<std::string>(&value)) return *choice;
  std::ostringstream text;
  if (auto const* number = std::get_if<double>(&value)) text << *number;
  if (auto const* list = std::get_if<std::vector<double>>(&value))
    for (std::size_t i = 0; i < list->size(); ++i) text << (i ? "," : "") << (*list)[i];
  return text.str();
}

qsm::v1::Override to_override(std::string const& name, qsm::OptionValue const& value) {
  qsm::v1::Override result;
  result.set_option(name);
  if (auto const* number = std::get_if<double>(&value)) result.set_number(*number);
  if (auto const* choice = std::get_if<std::string>(&value)) result.set_choice(*choice);
  if (auto const* list = std::get_if<std::vector<double>>(&value))
    result.mutable_list()->mutable_values()->Assign(list->begin(), list->end());
  return result;
}

}  // namespace chistream
