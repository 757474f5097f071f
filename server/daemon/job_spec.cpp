#include "daemon/job_spec.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "store/request_error.hpp"

namespace chistream {
namespace {

using qsm::v1::OptionDescription;
using qsm::v1::Override;
using qsm::v1::PipelineDescription;

[[noreturn]] void refuse(std::string const& reason, std::string const& message) {
  throw RequestError(grpc::INVALID_ARGUMENT, reason, message,
                     "ListPipelines names every option, its unit and its range");
}

// What a client wrote, short enough for a message.
std::string quoted(std::string const& text) {
  constexpr std::size_t kLongest = 64;
  std::ostringstream quote;
  quote << '\'' << text.substr(0, kLongest) << (text.size() > kLongest ? "...'" : "'");
  return quote.str();
}

std::string full_name(PipelineDescription const& pipeline) {
  return pipeline.name() + "@" + std::to_string(pipeline.version());
}

PipelineDescription const& find_pipeline(std::string const& name,
                                         qsm::v1::WorkerCatalogue const& catalogue) {
  if (name.empty()) return catalogue.pipelines(0);
  std::string offered;
  for (PipelineDescription const& pipeline : catalogue.pipelines()) {
    if (full_name(pipeline) == name) return pipeline;
    offered += (offered.empty() ? "" : ", ") + full_name(pipeline);
  }
  refuse("UNKNOWN_PIPELINE", "there is no pipeline " + quoted(name) + "; there are " + offered);
}

void check_number(double value, OptionDescription const& option) {
  bool const whole = !option.integer() || value == std::floor(value);
  if (value >= option.minimum() && value <= option.maximum() && whole) return;  // NaN fails
  std::ostringstream message;
  message << option.name() << " = " << value << " is outside " << option.minimum() << " .. "
          << option.maximum();
  if (!option.unit().empty()) message << ' ' << option.unit();
  if (option.integer()) message << ", whole numbers";
  refuse("OPTION_OUT_OF_RANGE", message.str());
}

void check_override(Override const& override_, PipelineDescription const& pipeline) {
  auto const found = std::find_if(
      pipeline.options().begin(), pipeline.options().end(),
      [&](OptionDescription const& option) { return option.name() == override_.option(); });
  if (found == pipeline.options().end())
    refuse("UNKNOWN_OPTION", full_name(pipeline) + " has no option " + quoted(override_.option()));
  auto const type = found->default_value().value_case();
  if (override_.value_case() != type) {
    char const* const wanted = type == Override::kNumber   ? "a number"
                               : type == Override::kChoice ? "a choice"
                                                           : "a list of numbers";
    refuse("OPTION_WRONG_TYPE", found->name() + " takes " + wanted);
  }
  if (type == Override::kNumber) check_number(override_.number(), *found);
  if (type == Override::kList) {
    constexpr int kMost = 100;
    if (override_.list().values().empty() || override_.list().values_size() > kMost)
      refuse("OPTION_OUT_OF_RANGE",
             found->name() + " takes 1 to " + std::to_string(kMost) + " numbers");
    for (double const value : override_.list().values()) check_number(value, *found);
  }
  auto const& choices = found->choices();
  if (type == Override::kChoice &&
      std::find(choices.begin(), choices.end(), override_.choice()) == choices.end()) {
    std::string offered;
    for (auto const& choice : choices) offered += (offered.empty() ? "" : ", ") + choice;
    refuse("OPTION_NOT_A_CHOICE", found->name() + " is one of " + offered);
  }
}

void check_queue_time(google::protobuf::Duration const& time) {
  constexpr std::int64_t kLongest = 366 * 86400;
  bool const valid = time.seconds() >= 0 && time.seconds() <= kLongest && time.nanos() >= 0 &&
                     time.nanos() < 1'000'000'000 && (time.seconds() > 0 || time.nanos() > 0);
  if (!valid)
    throw RequestError(grpc::INVALID_ARGUMENT, "BAD_QUEUE_TIME",
                       "max_queue_time is more than nothing and at most a year");
}

}  // namespace

void check_priority(int priority) {
  if (!qsm::v1::Priority_IsValid(priority))
    throw RequestError(grpc::INVALID_ARGUMENT, "UNKNOWN_PRIORITY",
                       "there is no priority " + std::to_string(priority));
}

qsm::v1::JobSpec resolve(qsm::v1::JobSpec const& spec, qsm::v1::WorkerCatalogue const& catalogue) {
  PipelineDescription const& pipeline = find_pipeline(spec.pipeline(), catalogue);
  std::set<std::string> seen;
  for (Override const& override_ : spec.overrides()) {
    check_override(override_, pipeline);
    if (!seen.insert(override_.option()).second)
      refuse("DUPLICATE_OPTION", override_.option() + " is given twice");
  }
  for (int const kind : spec.series())  // an open enum: a newer client may name what is not here
    if (!qsm::v1::SeriesKind_IsValid(kind) || kind == qsm::v1::SERIES_KIND_UNSPECIFIED)
      refuse("UNKNOWN_SERIES", "there is no series of kind " + std::to_string(kind));
  std::set<int> objects;
  for (int const object : spec.objects()) {
    if (!qsm::v1::DicomObject_IsValid(object) || object == qsm::v1::DICOM_OBJECT_UNSPECIFIED)
      refuse("UNKNOWN_OBJECT", "there is no DICOM object of kind " + std::to_string(object));
    if (!objects.insert(object).second)
      refuse("DUPLICATE_OBJECT", "a DICOM object is asked for twice");
  }
  if (!qsm::v1::ContentQualification_IsValid(spec.qualification()))
    refuse("UNKNOWN_QUALIFICATION",
           "there is no content qualification " + std::to_string(spec.qualification()));
  check_priority(spec.priority());
  if (spec.has_max_queue_time()) check_queue_time(spec.max_queue_time());
  qsm::v1::JobSpec resolved = spec;
  resolved.set_pipeline(full_name(pipeline));
  return resolved;
}

}  // namespace chistream
