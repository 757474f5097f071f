#include "config/json_object.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace chistream {

using nlohmann::json;

json parse_json(std::string const& content) {
  json root = json::parse(content, nullptr, false);
  if (root.is_discarded()) throw BadSetting("the file", "is not JSON");
  return root;
}

json read_json_file(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw BadSetting(path.string(), "cannot be read");
  return parse_json({std::istreambuf_iterator<char>(file), {}});
}

JsonObject::JsonObject(std::string where, json const& object,
                       std::initializer_list<std::string_view> names)
    : where_(std::move(where)), object_(object) {
  if (!object.is_object()) bad("is not an object");
  for (auto const& [name, value] : object.items())
    if (std::find(names.begin(), names.end(), name) == names.end())
      bad("'" + name + "' means nothing here");
}

json const* JsonObject::find(char const* name) const {
  auto const found = object_.find(name);
  return found == object_.end() ? nullptr : &*found;
}

std::string JsonObject::text(char const* name) const {
  json const* const found = find(name);
  if (!found) return "";
  if (!found->is_string() || found->get_ref<std::string const&>().empty())
    bad(std::string("'") + name + "' is not a text");
  return found->get<std::string>();
}

std::string JsonObject::required_text(char const* name) const {
  std::string value = text(name);
  if (value.empty()) bad(std::string("has no '") + name + "'");
  return value;
}

std::vector<std::string> JsonObject::texts(char const* name) const {
  std::vector<std::string> values;
  for (json const* element : elements(name)) {
    if (!element->is_string()) bad(std::string("'") + name + "' holds something that is no text");
    values.push_back(element->get<std::string>());
  }
  return values;
}

std::optional<std::uint64_t> JsonObject::count(char const* name) const {
  json const* const found = find(name);
  if (!found) return std::nullopt;
  if (!found->is_number_unsigned()) bad(std::string("'") + name + "' is not a number from 0 on");
  return found->get<std::uint64_t>();
}

std::optional<double> JsonObject::number(char const* name) const {
  json const* const found = find(name);
  if (!found) return std::nullopt;
  if (!found->is_number() || found->get<double>() < 0)
    bad(std::string("'") + name + "' is not a number from 0 on");
  return found->get<double>();
}

bool JsonObject::flag(char const* name) const {
  json const* const found = find(name);
  if (found && !found->is_boolean()) bad(std::string("'") + name + "' is neither true nor false");
  return found && found->get<bool>();
}

std::vector<std::pair<std::string, json const*>> JsonObject::members(char const* name) const {
  std::vector<std::pair<std::string, json const*>> all;
  json const* const found = find(name);
  if (!found) return all;
  if (!found->is_object()) bad(std::string("'") + name + "' is not an object");
  for (auto const& [key, value] : found->items()) all.emplace_back(key, &value);
  return all;
}

std::vector<json const*> JsonObject::elements(char const* name) const {
  std::vector<json const*> all;
  json const* const found = find(name);
  if (!found) return all;
  if (!found->is_array()) bad(std::string("'") + name + "' is not an array");
  for (json const& element : *found) all.push_back(&element);
  return all;
}

}  // namespace chistream
