#include "gateway/settings.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/json_object.hpp"
#include "formats/format_error.hpp"
#include "formats/series_kind.hpp"
#include "session/priority.hpp"

namespace chistream::gateway {

namespace {

using nlohmann::json;

/// PS3.5: 1 to 16 characters, no backslash and no control character, not only spaces.
std::string ae_title_of(JsonObject const& object, std::string const& value) {
  bool const plain = std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return c >= 0x20 && c < 0x7f && c != '\\';
  });
  if (value.size() > 16 || !plain || value.find_first_not_of(' ') == std::string::npos)
    object.bad("'" + value + "' is no AE title (1 to 16 characters)");
  return value;
}

std::uint16_t port_of(JsonObject const& object) {
  auto const port = object.count("port");
  if (!port || *port < 1 || *port > 65535) object.bad("'port' is not 1 to 65535");
  return static_cast<std::uint16_t>(*port);
}

enum class OwnCertificate { kRequired, kOptional };

std::optional<TlsFiles> tls_of(JsonObject const& object,
                               OwnCertificate own = OwnCertificate::kRequired) {
  json const* const field = object.find("tls");
  if (!field) return std::nullopt;
  JsonObject const tls(object.where() + ", 'tls'", *field, {"certificate", "key", "ca"});
  if (own == OwnCertificate::kOptional && !tls.find("certificate"))
    return TlsFiles{{}, {}, tls.required_text("ca")};
  return TlsFiles{tls.required_text("certificate"), tls.required_text("key"),
                  tls.required_text("ca")};
}

ListenSettings listen_of(std::size_t number, json const& field) {
  JsonObject const entry("listen " + std::to_string(number), field, {"port", "address", "tls"});
  return {.port = port_of(entry), .address = entry.text("address"), .tls = tls_of(entry)};
}

PipelineSettings pipeline_of(std::string const& ae_title, json const& field) {
  JsonObject const entry("pipeline '" + ae_title + "'", field,
                         {"pipeline", "priority", "series", "set", "deidentify", "qualification"});
  ae_title_of(entry, ae_title);
  PipelineSettings pipeline;
  pipeline.pipeline = entry.text("pipeline");
  if (auto const priority = entry.text("priority"); !priority.empty()) {
    auto const known = priority_called(priority);
    if (!known) entry.bad("'" + priority + "' is no priority");
    pipeline.spec.set_priority(*known);
  }
  for (auto const& name : entry.texts("series")) {
    auto const known = series_called(name);
    if (!known) entry.bad("'" + name + "' is no series");
    pipeline.spec.add_series(*known);
  }
  pipeline.spec.set_deidentify(entry.flag("deidentify"));
  if (auto const use = entry.text("qualification"); !use.empty()) {
    auto const known = qualification_called(use);
    if (!known) entry.bad("'" + use + "' is no qualification (research, product, service)");
    pipeline.spec.set_qualification(*known);
  }
  pipeline.assignments = entry.texts("set");
  return pipeline;
}

ConsoleSettings console_of(Settings const& settings, json const& field) {
  JsonObject const entry("console " + std::to_string(settings.consoles.size() + 1), field,
                         {"port", "address", "pipeline"});
  ConsoleSettings console{.listen = {.port = port_of(entry), .address = entry.text("address")},
                          .pipeline = entry.required_text("pipeline")};
  if (!settings.pipeline(console.pipeline))
    entry.bad("its pipeline '" + console.pipeline + "' is not under 'pipelines'");
  return console;
}

CallerSettings caller_of(std::size_t number, json const& field) {
  JsonObject const entry("caller " + std::to_string(number), field,
                         {"ae_title", "address", "certificate", "return_to", "token_file"});
  CallerSettings caller{.ae_title = ae_title_of(entry, entry.required_text("ae_title")),
                        .address = entry.text("address"),
                        .certificate = entry.text("certificate"),
                        .return_to = entry.texts("return_to"),
                        .token_file = entry.text("token_file")};
  return caller;
}

NodeSettings node_of(std::string const& name, json const& field) {
  bool const web = field.is_object() && field.contains("url");
  std::string const where = "node '" + name + "'";
  JsonObject const entry =
      web ? JsonObject(where, field, {"url", "token_file", "tls", "timeout_s", "object", "report"})
          : JsonObject(
                where, field,
                {"ae_title", "host", "port", "tls", "timeout_s", "object", "report", "commitment"});
  NodeSettings node{.name = name};
  if (web) {
    node.url = entry.required_text("url");
    if (!node.url.starts_with("http://") && !node.url.starts_with("https://"))
      entry.bad("'url' is neither http nor https");
    node.token_file = entry.text("token_file");
    if (!node.token_file.empty() && node.url.starts_with("http://"))
      entry.bad("a token goes over https only");
    node.tls = tls_of(entry, OwnCertificate::kOptional);
  } else {
    node.ae_title = ae_title_of(entry, entry.required_text("ae_title"));
    node.host = entry.required_text("host");
    node.port = port_of(entry);
    node.tls = tls_of(entry);
    node.commitment = entry.flag("commitment");
  }
  if (auto const name_of_object = entry.text("object");
      !name_of_object.empty() && name_of_object != "mr") {
    auto const known = object_called(name_of_object);
    if (!known || *known == qsm::v1::DICOM_OBJECT_REPORT)
      entry.bad("'" + name_of_object + "' is no object (mr, enhanced-mr, parametric-map)");
    node.object = *known;
  }
  node.report = entry.flag("report");
  node.timeout_s = entry.number("timeout_s").value_or(node.timeout_s);
  return node;
}

template <class Function>
auto named(Function const& function) try {
  return function();
} catch (BadSetting const& error) {
  throw FormatError("GATEWAY_CONFIG", error.what(), "docs/gateway.md explains the file");
}

}  // namespace

Settings Settings::read(std::filesystem::path const& path) {
  return named([&] { return from_json(read_json_file(path)); });
}

Settings Settings::parse(std::string const& json) {
  return named([&] { return from_json(parse_json(json)); });
}

Settings Settings::from_json(json const& content) {
  JsonObject const root(
      "the file", content,
      {"daemon", "ae_title", "listen", "consoles", "pipelines", "callers", "nodes", "associations",
       "quiet_s", "give_up_s", "full", "keep_hours", "deliver_for_hours"});
  Settings settings;
  if (json const* const field = root.find("daemon")) {
    JsonObject const daemon("'daemon'", *field,
                            {"address", "token_file", "server_ca", "certificate", "key"});
    settings.daemon_address = daemon.required_text("address");
    settings.daemon_credentials = {.token_file = daemon.text("token_file"),
                                   .server_ca = daemon.text("server_ca"),
                                   .certificate = daemon.text("certificate"),
                                   .key = daemon.text("key")};
  }
  if (root.find("ae_title")) settings.ae_title = ae_title_of(root, root.text("ae_title"));
  for (json const* entry : root.elements("listen"))
    settings.listen.push_back(listen_of(settings.listen.size() + 1, *entry));
  for (auto const& [ae_title, entry] : root.members("pipelines"))
    settings.pipelines[ae_title] = pipeline_of(ae_title, *entry);
  for (json const* entry : root.elements("consoles"))
    settings.consoles.push_back(console_of(settings, *entry));
  for (auto const& [name, entry] : root.members("nodes"))
    settings.nodes[name] = node_of(name, *entry);
  for (json const* entry : root.elements("callers")) {
    CallerSettings caller = caller_of(settings.callers.size() + 1, *entry);
    for (auto const& node : caller.return_to)
      if (node != "sender" && !settings.nodes.contains(node))
        throw BadSetting("caller '" + caller.ae_title + "'",
                         "its node '" + node + "' is not under 'nodes'");
    settings.callers.push_back(std::move(caller));
  }
  if (settings.pipelines.empty()) root.bad("names no 'pipelines'");
  if (settings.callers.empty()) root.bad("names no 'callers': nobody could send");
  settings.associations = root.count("associations").value_or(settings.associations);
  settings.quiet_s = root.number("quiet_s").value_or(settings.quiet_s);
  settings.give_up_s = root.number("give_up_s").value_or(settings.give_up_s);
  settings.full = root.number("full").value_or(settings.full);
  settings.keep_hours = root.number("keep_hours").value_or(settings.keep_hours);
  settings.deliver_for_hours =
      root.number("deliver_for_hours").value_or(settings.deliver_for_hours);
  return settings;
}

PipelineSettings const* Settings::pipeline(std::string const& called_ae) const {
  auto const found = pipelines.find(called_ae);
  return found == pipelines.end() ? nullptr : &found->second;
}

bool Settings::commits(std::string const& calling_ae) const {
  return std::any_of(nodes.begin(), nodes.end(), [&](auto const& entry) {
    return entry.second.commitment && entry.second.ae_title == calling_ae;
  });
}

CallerSettings const* Settings::caller(std::string const& calling_ae, std::string const& address,
                                       std::string const& certificate) const {
  auto const found =
      std::find_if(callers.begin(), callers.end(), [&](CallerSettings const& caller) {
        return (caller.ae_title == "*" || caller.ae_title == calling_ae) &&
               (caller.address.empty() || caller.address == address) &&
               (caller.certificate.empty() || caller.certificate == certificate);
      });
  return found == callers.end() ? nullptr : &*found;
}

CallerSettings const& Settings::still_known(std::string const& calling_ae,
                                            std::string const& address,
                                            std::string const& certificate) const {
  auto const* const found = caller(calling_ae, address, certificate);
  if (!found) throw FormatError("UNKNOWN_CALLER", calling_ae + " is no caller any more");
  return *found;
}

std::vector<std::string> Settings::return_nodes(CallerSettings const& caller,
                                                std::string const& calling_ae) const {
  std::vector<std::string> names;
  for (auto const& name : caller.return_to) {
    if (name != "sender") {
      names.push_back(name);
      continue;
    }
    auto const node = std::find_if(nodes.begin(), nodes.end(), [&](auto const& entry) {
      return entry.second.url.empty() && entry.second.ae_title == calling_ae;
    });
    if (node == nodes.end())
      throw FormatError("NO_RETURN_NODE", "no node has the AE title " + calling_ae);
    names.push_back(node->first);
  }
  return names;
}

}  // namespace chistream::gateway
