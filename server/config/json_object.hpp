/// An object of a configuration file, read field by field, with mistakes told by place and name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chistream {

/// "caller 2: 'expires' is not a day": where, and what is wrong there.
class BadSetting : public std::runtime_error {
 public:
  BadSetting(std::string const& where, std::string const& what)
      : std::runtime_error(where + ": " + what) {}
};

/// Throws BadSetting for a file that cannot be read, or is not JSON.
nlohmann::json read_json_file(std::filesystem::path const& path);
nlohmann::json parse_json(std::string const& content);

class JsonObject {
 public:
  /// `object` outlives this. Throws BadSetting unless it is an object with no field but `names`.
  JsonObject(std::string where, nlohmann::json const& object,
             std::initializer_list<std::string_view> names);

  /// Each throws BadSetting where the field is there and of another kind.
  std::string text(char const* name) const;           // "" where it is absent, never where present
  std::string required_text(char const* name) const;  // throws where it is absent
  std::vector<std::string> texts(char const* name) const;
  std::optional<std::uint64_t> count(char const* name) const;
  std::optional<double> number(char const* name) const;  // from 0 on
  bool flag(char const* name) const;                     // false where it is absent

  /// The field itself; null where it is absent.
  nlohmann::json const* find(char const* name) const;

  /// The members of an object, or the elements of an array; none where the field is absent.
  std::vector<std::pair<std::string, nlohmann::json const*>> members(char const* name) const;
  std::vector<nlohmann::json const*> elements(char const* name) const;

  std::string const& where() const { return where_; }
  [[noreturn]] void bad(std::string const& what) const { throw BadSetting(where_, what); }

 private:
  std::string where_;
  nlohmann::json const& object_;
};

}  // namespace chistream
