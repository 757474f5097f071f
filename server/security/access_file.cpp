#include "security/access_file.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/json_object.hpp"
#include "container/sha256.hpp"
#include "store/file.hpp"
#include "store/random_id.hpp"
#include "store/request_error.hpp"

namespace chistream {
namespace {

using nlohmann::json;
using std::chrono::system_clock;

std::chrono::sys_days day_of(JsonObject const& object, std::string const& text) {
  int year = 0, month = 0, day = 0, read = 0;
  bool const shaped =
      std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &read) == 3 && read == 10;
  std::chrono::year_month_day const date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!shaped || text.size() != 10 || !date.ok())
    object.bad("'expires' is not a day such as 2027-11-29");
  return date;
}

bool is_sha256(std::string const& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

KnownCaller caller_of(std::string const& where, json const& json_entry) {
  JsonObject const entry(where, json_entry,
                         {"name", "tenant", "roles", "token_sha256", "certificate", "expires"});
  KnownCaller known{.caller = {.name = entry.required_text("name"),
                               .tenant = entry.required_text("tenant"),
                               .roles = {}},
                    .token_sha256 = entry.text("token_sha256"),
                    .certificate = entry.text("certificate")};
  if (known.token_sha256.empty() == known.certificate.empty())
    entry.bad("needs either 'token_sha256' or 'certificate'");
  if (!known.token_sha256.empty() && !is_sha256(known.token_sha256))
    entry.bad("'token_sha256' is not 64 lower-case hex digits");
  auto const roles = entry.texts("roles");
  if (roles.empty()) entry.bad("has no 'roles'");
  for (std::string const& role : roles) {
    auto const found = role_of(role);
    if (!found) entry.bad("'" + role + "' is no role");
    known.caller.roles.add(*found);
  }
  std::string const expires = entry.text("expires");
  if (!expires.empty()) known.last_day = day_of(entry, expires);
  if (!known.token_sha256.empty() && !known.last_day) entry.bad("a token needs 'expires'");
  return known;
}

/// What JsonObject finds wrong, as the daemon tells it.
template <class Function>
auto named(Function const& function) try {
  return function();
} catch (BadSetting const& error) {
  throw RequestError(grpc::INVALID_ARGUMENT, "ACCESS_FILE", error.what(),
                     "docs/security.md shows one");
}

}  // namespace

AccessFile AccessFile::read(std::filesystem::path const& path) {
  return named([&] { return file_of(read_json_file(path)); });
}

AccessFile AccessFile::parse(std::string const& content) {
  return named([&] { return file_of(parse_json(content)); });
}

AccessFile AccessFile::file_of(json const& content) {
  JsonObject const root("the file", content, {"tenants", "callers"});
  AccessFile file;
  for (auto const& [name, limits] : root.members("tenants")) {
    JsonObject const tenant("tenant '" + name + "'", *limits,
                            {"open_uploads", "unfinished_jobs", "upload_gib", "watch_streams"});
    file.tenants_[name] = {.open_uploads = tenant.count("open_uploads"),
                           .unfinished_jobs = tenant.count("unfinished_jobs"),
                           .upload_gib = tenant.number("upload_gib"),
                           .watch_streams = tenant.count("watch_streams")};
  }
  std::size_t number = 0;
  for (json const* entry : root.elements("callers")) {
    KnownCaller known = caller_of("caller " + std::to_string(++number), *entry);
    std::string const where = "caller '" + known.caller.name + "'";
    if (!file.tenants_.contains(known.caller.tenant))
      throw BadSetting(where, "its tenant '" + known.caller.tenant + "' is not under 'tenants'");
    for (KnownCaller const& other : file.callers_)
      if (other.caller.name == known.caller.name ||
          (other.token_sha256 == known.token_sha256 && other.certificate == known.certificate))
        throw BadSetting(where, "is there twice, by name, token or certificate");
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
    AccessFile::read(path);
    root = read_json_file(path);
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
