#include "security/access_file.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "container/sha256.hpp"
#include "store/file.hpp"
#include "store/random_id.hpp"
#include "store/request_error.hpp"

namespace chistream {
namespace {

using nlohmann::json;
using std::chrono::system_clock;

[[noreturn]] void bad(std::string const& where, std::string const& what) {
  throw RequestError(grpc::INVALID_ARGUMENT, "ACCESS_FILE", where + ": " + what,
                     "docs/security.md shows one");
}

void known_fields(std::string const& where, json const& object,
                  std::initializer_list<std::string_view> names) {
  if (!object.is_object()) bad(where, "is not an object");
  for (auto const& [name, value] : object.items())
    if (std::find(names.begin(), names.end(), name) == names.end())
      bad(where, "'" + name + "' means nothing here");
}

std::string text(std::string const& where, json const& object, char const* name) {
  auto const found = object.find(name);
  if (found == object.end()) return "";
  if (!found->is_string() || found->get<std::string>().empty())
    bad(where, std::string("'") + name + "' is not a text");
  return found->get<std::string>();
}

template <class Number>
std::optional<Number> limit(std::string const& where, json const& object, char const* name) {
  auto const found = object.find(name);
  if (found == object.end()) return std::nullopt;
  bool const whole = std::is_floating_point_v<Number> || found->is_number_unsigned();
  if (!found->is_number() || !whole || found->get<double>() < 0)
    bad(where, std::string("'") + name + "' is not a number from 0 on");
  return found->get<Number>();
}

std::chrono::sys_days day_of(std::string const& where, std::string const& text) {
  int year = 0, month = 0, day = 0, read = 0;
  bool const shaped =
      std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &read) == 3 && read == 10;
  std::chrono::year_month_day const date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!shaped || text.size() != 10 || !date.ok())
    bad(where, "'expires' is not a day such as 2027-11-29");
  return date;
}

bool is_sha256(std::string const& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

KnownCaller caller_of(std::string const& where, json const& entry) {
  known_fields(where, entry, {"name", "tenant", "roles", "token_sha256", "certificate", "expires"});
  KnownCaller known{.caller = {.name = text(where, entry, "name"),
                               .tenant = text(where, entry, "tenant"),
                               .roles = {}},
                    .token_sha256 = text(where, entry, "token_sha256"),
                    .certificate = text(where, entry, "certificate")};
  if (known.caller.name.empty()) bad(where, "has no 'name'");
  if (known.caller.tenant.empty()) bad(where, "has no 'tenant'");
  if (known.token_sha256.empty() == known.certificate.empty())
    bad(where, "needs either 'token_sha256' or 'certificate'");
  if (!known.token_sha256.empty() && !is_sha256(known.token_sha256))
    bad(where, "'token_sha256' is not 64 lower-case hex digits");
  auto const roles = entry.find("roles");
  if (roles == entry.end() || !roles->is_array() || roles->empty()) bad(where, "has no 'roles'");
  for (json const& role : *roles) {
    auto const found = role.is_string() ? role_of(role.get<std::string>()) : std::nullopt;
    if (!found) bad(where, role.dump() + " is no role");
    known.caller.roles.add(*found);
  }
  std::string const expires = text(where, entry, "expires");
  if (!expires.empty()) known.last_day = day_of(where, expires);
  if (!known.token_sha256.empty() && !known.last_day) bad(where, "a token needs 'expires'");
  return known;
}

json parsed(std::string const& content) {
  json root = json::parse(content, nullptr, false);
  if (root.is_discarded()) bad("the file", "is not JSON");
  return root;
}

std::string content_of(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) bad(path.string(), "cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

AccessFile AccessFile::read(std::filesystem::path const& path) {
  return parse(content_of(path));
}

AccessFile AccessFile::parse(std::string const& content) {
  json const root = parsed(content);
  known_fields("the file", root, {"tenants", "callers"});
  AccessFile file;
  json const tenants = root.value("tenants", json::object());
  json const callers = root.value("callers", json::array());
  if (!tenants.is_object()) bad("'tenants'", "is not an object");
  if (!callers.is_array()) bad("'callers'", "is not an array");
  for (auto const& [name, entry] : tenants.items()) {
    std::string const where = "tenant '" + name + "'";
    known_fields(where, entry, {"open_uploads", "unfinished_jobs", "upload_gib", "watch_streams"});
    file.tenants_[name] = {.open_uploads = limit<std::uint64_t>(where, entry, "open_uploads"),
                           .unfinished_jobs = limit<std::uint64_t>(where, entry, "unfinished_jobs"),
                           .upload_gib = limit<double>(where, entry, "upload_gib"),
                           .watch_streams = limit<std::uint64_t>(where, entry, "watch_streams")};
  }
  std::size_t number = 0;
  for (json const& entry : callers) {
    KnownCaller known = caller_of("caller " + std::to_string(++number), entry);
    std::string const where = "caller '" + known.caller.name + "'";
    if (!file.tenants_.contains(known.caller.tenant))
      bad(where, "its tenant '" + known.caller.tenant + "' is not under 'tenants'");
    for (KnownCaller const& other : file.callers_)
      if (other.caller.name == known.caller.name ||
          (other.token_sha256 == known.token_sha256 && other.certificate == known.certificate))
        bad(where, "is there twice, by name, token or certificate");
    file.callers_.push_back(std::move(known));
  }
  return file;
}

KnownCaller const* AccessFile::by_token(std::string_view token) const {
  // Compared are hashes of what the caller sent: how long it takes tells nothing about a token.
  std::string const hash = qsm::container::sha256_hex(token);
  for (KnownCaller const& known : callers_)
    if (!known.token_sha256.empty() && known.token_sha256 == hash) return &known;
  return nullptr;
}

KnownCaller const* AccessFile::by_certificate(std::string_view name) const {
  for (KnownCaller const& known : callers_)
    if (!known.certificate.empty() && known.certificate == name) return &known;
  return nullptr;
}

TenantLimits AccessFile::limits(std::string const& tenant) const {
  auto const found = tenants_.find(tenant);
  return found == tenants_.end() ? TenantLimits{} : found->second;
}

std::string add_token(std::filesystem::path const& path, Caller const& caller, int days) {
  json root = json::object();
  if (std::filesystem::exists(path)) {
    std::string const content = content_of(path);
    AccessFile::parse(content);
    root = parsed(content);
  }
  json const callers = root.value("callers", json::array());
  for (json const& entry : callers)
    if (entry.at("name") == caller.name)
      throw RequestError(grpc::ALREADY_EXISTS, "CALLER_EXISTS",
                         "the file has a caller '" + caller.name + "' already");
  std::string const token = random_id() + random_id();  // 256 bits
  json roles = json::array();
  for (Role const role : kAllRoles)
    if (caller.roles.has(role)) roles.push_back(name_of(role));
  std::chrono::year_month_day const last(
      std::chrono::floor<std::chrono::days>(system_clock::now()) + std::chrono::days(days));
  char expires[16];
  std::snprintf(expires, sizeof(expires), "%04d-%02u-%02u", static_cast<int>(last.year()),
                static_cast<unsigned>(last.month()), static_cast<unsigned>(last.day()));
  root["callers"].push_back({{"name", caller.name},
                             {"tenant", caller.tenant},
                             {"roles", roles},
                             {"token_sha256", qsm::container::sha256_hex(token)},
                             {"expires", expires}});
  if (!root["tenants"].contains(caller.tenant)) root["tenants"][caller.tenant] = json::object();
  std::string const content = root.dump(2) + "\n";
  AccessFile::parse(content);

  replace_file(path, content);
  return token;
}

}  // namespace chistream
