#include "session/overrides.hpp"

#include <algorithm>
#include <charconv>

#include "formats/format_error.hpp"

namespace chistream {

namespace {

double parse_number(std::string const& option, std::string_view text) {
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw FormatError("OPTION_TYPE", option + " takes a number, not '" + std::string(text) + "'");
  return value;
}

std::string number_text(double value) {
  char text[32];
  auto const [end, error] = std::to_chars(text, text + sizeof(text), value);
  return {text, end};
}

}  // namespace

std::string full_name(qsm::v1::PipelineDescription const& pipeline) {
  return pipeline.name() + "@" + std::to_string(pipeline.version());
}

qsm::v1::PipelineDescription const& find_pipeline(
    google::protobuf::RepeatedPtrField<qsm::v1::PipelineDescription> const& pipelines,
    std::string_view name) {
  qsm::v1::PipelineDescription const* found = nullptr;
  std::string offered;
  for (auto const& pipeline : pipelines) {
    if (name.empty() || name == full_name(pipeline)) return pipeline;
    if (name == pipeline.name() && (found == nullptr || pipeline.version() > found->version()))
      found = &pipeline;
    if (!offered.empty()) offered += ", ";
    offered += full_name(pipeline);
  }
  if (found == nullptr)
    throw FormatError("UNKNOWN_PIPELINE", "there is no pipeline '" + std::string(name) + "'",
                      "the server offers: " + offered);
  return *found;
}

qsm::v1::Override parse_override(qsm::v1::PipelineDescription const& pipeline,
                                 std::string_view assignment) {
  auto const equals = assignment.find('=');
  if (equals == std::string_view::npos)
    throw FormatError("OPTION_TYPE",
                      "'" + std::string(assignment) + "' is not of the form stage.option=value");
  std::string const name(assignment.substr(0, equals));
  auto value = assignment.substr(equals + 1);
  auto const option = std::find_if(pipeline.options().begin(), pipeline.options().end(),
                                   [&](auto const& o) { return o.name() == name; });
  if (option == pipeline.options().end())
    throw FormatError("UNKNOWN_OPTION", full_name(pipeline) + " has no option '" + name + "'",
                      "`chistream info pipelines` lists them");
  qsm::v1::Override result;
  result.set_option(name);
  switch (option->default_value().value_case()) {
    case qsm::v1::Override::kNumber:
      result.set_number(parse_number(name, value));
      break;
    case qsm::v1::Override::kList:
      for (;;) {
        auto const comma = value.find(',');
        result.mutable_list()->add_values(parse_number(name, value.substr(0, comma)));
        if (comma == std::string_view::npos) break;
        value.remove_prefix(comma + 1);
      }
      break;
    case qsm::v1::Override::kChoice:
    case qsm::v1::Override::VALUE_NOT_SET:
      result.set_choice(std::string(value));
      break;
  }
  return result;
}

qsm::v1::JobSpec resolved(Connection& server, qsm::v1::JobSpec spec, std::string_view name,
                          std::vector<std::string> const& assignments, Patience const& patience) {
  auto const offered = call_with_patience<qsm::v1::ListPipelinesResponse>(
      patience, [&](grpc::ClientContext* context, qsm::v1::ListPipelinesResponse* response) {
        return server.jobs->ListPipelines(context, {}, response);
      });
  auto const& pipeline = find_pipeline(offered.pipelines(), name);
  spec.set_pipeline(full_name(pipeline));
  for (auto const& assignment : assignments) {
    auto const parsed = parse_override(pipeline, assignment);
    auto* const overrides = spec.mutable_overrides();
    auto const earlier = std::find_if(overrides->begin(), overrides->end(), [&](auto const& other) {
      return other.option() == parsed.option();
    });
    *(earlier != overrides->end() ? &*earlier : overrides->Add()) = parsed;
  }
  return spec;
}

std::string value_text(qsm::v1::Override const& value) {
  if (value.has_number()) return number_text(value.number());
  if (value.has_choice()) return value.choice();
  std::string text;
  for (double const element : value.list().values()) {
    if (!text.empty()) text += ',';
    text += number_text(element);
  }
  return text;
}

}  // namespace chistream
