#include "daemon/job_spec.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "store/request_error.hpp"

namespace chistream::test {
namespace {

using namespace qsm::v1;

WorkerCatalogue catalogue() {
  WorkerCatalogue made;
  auto& pipeline = *made.add_pipelines();
  pipeline.set_name("brain");
  pipeline.set_version(2);
  auto& number = *pipeline.add_options();
  number.set_name("a.number");
  number.set_unit("mm");
  number.set_minimum(0.5);
  number.set_maximum(4);
  number.mutable_default_value()->set_number(1);
  auto& whole = *pipeline.add_options();
  whole.set_name("a.whole");
  whole.set_integer(true);
  whole.set_maximum(9);
  whole.mutable_default_value()->set_number(1);
  auto& choice = *pipeline.add_options();
  choice.set_name("a.choice");
  choice.add_choices("romeo");
  choice.add_choices("laplacian");
  choice.mutable_default_value()->set_choice("romeo");
  auto& list = *pipeline.add_options();
  list.set_name("a.list");
  list.set_maximum(9);
  list.mutable_default_value()->mutable_list();
  return made;
}

Override number(std::string const& option, double value) {
  Override made;
  made.set_option(option);
  made.set_number(value);
  return made;
}

Override choice(std::string const& option, std::string const& value) {
  Override made;
  made.set_option(option);
  made.set_choice(value);
  return made;
}

Override list(std::string const& option, std::initializer_list<double> values) {
  Override made;
  made.set_option(option);
  auto& made_list = *made.mutable_list();
  for (double const value : values) made_list.add_values(value);
  return made;
}

JobSpec spec(std::initializer_list<Override> overrides) {
  JobSpec made;
  for (auto const& override_ : overrides) *made.add_overrides() = override_;
  return made;
}

std::string refusal(JobSpec const& asked, std::string* message = nullptr) {
  try {
    resolve(asked, catalogue());
  } catch (RequestError const& error) {
    if (message) *message = error.detail().message();
    return error.detail().reason();
  }
  return "";
}

TEST(JobSpec, ResolvesTheDefaultPipelineToNameAndVersion) {
  EXPECT_EQ(resolve({}, catalogue()).pipeline(), "brain@2");
  JobSpec other;
  other.set_pipeline("brain@1");
  EXPECT_EQ(refusal(other), "UNKNOWN_PIPELINE");
}

TEST(JobSpec, AcceptsValuesInRangeUpToTheBounds) {
  EXPECT_EQ(refusal(spec({number("a.number", 0.5), number("a.whole", 9),
                          choice("a.choice", "laplacian"), list("a.list", {0, 9})})),
            "");
}

TEST(JobSpec, SaysTheRangeAndItsUnit) {
  std::string message;
  EXPECT_EQ(refusal(spec({number("a.number", 4.5)}), &message), "OPTION_OUT_OF_RANGE");
  EXPECT_EQ(message, "a.number = 4.5 is outside 0.5 .. 4 mm");
}

TEST(JobSpec, RefusesWhatIsNotANumberInTheRange) {
  for (double const value : {-1.0, 1e300, double{INFINITY}, double{-INFINITY}, double{NAN}}) {
    EXPECT_EQ(refusal(spec({number("a.number", value)})), "OPTION_OUT_OF_RANGE") << value;
    EXPECT_EQ(refusal(spec({list("a.list", {1, value})})), "OPTION_OUT_OF_RANGE") << value;
  }
  EXPECT_EQ(refusal(spec({number("a.whole", 1.5)})), "OPTION_OUT_OF_RANGE");
  EXPECT_EQ(refusal(spec({list("a.list", {})})), "OPTION_OUT_OF_RANGE");
}

TEST(JobSpec, KnowsTheSeriesThatJobsCanWrite) {
  JobSpec asked;
  asked.add_series(SERIES_KIND_R2S);
  asked.add_series(SERIES_KIND_R2S);
  EXPECT_EQ(refusal(asked), "");
  EXPECT_EQ(resolve(asked, catalogue()).series_size(), 2);
  for (int const kind : {0, -1, 99}) {
    asked.set_series(1, static_cast<SeriesKind>(kind));
    EXPECT_EQ(refusal(asked), "UNKNOWN_SERIES") << kind;
  }
}

TEST(JobSpec, KnowsTheObjectsAndWhatTheyMayBeUsedFor) {
  JobSpec asked;
  asked.add_objects(DICOM_OBJECT_REPORT);
  asked.set_qualification(CONTENT_QUALIFICATION_PRODUCT);
  EXPECT_EQ(refusal(asked), "");
  asked.add_objects(DICOM_OBJECT_REPORT);
  EXPECT_EQ(refusal(asked), "DUPLICATE_OBJECT");
  asked.set_objects(1, static_cast<DicomObject>(99));
  EXPECT_EQ(refusal(asked), "UNKNOWN_OBJECT");
  asked.clear_objects();
  asked.set_qualification(static_cast<ContentQualification>(99));
  EXPECT_EQ(refusal(asked), "UNKNOWN_QUALIFICATION");
}

TEST(JobSpec, KnowsPrioritiesAndQueueTimes) {
  JobSpec asked;
  asked.set_priority(PRIORITY_EMERGENCY);
  asked.mutable_max_queue_time()->set_nanos(1);
  EXPECT_EQ(refusal(asked), "");
  for (int const seconds : {-1, 0, 2'000'000'000}) {
    asked.mutable_max_queue_time()->set_seconds(seconds);
    asked.mutable_max_queue_time()->set_nanos(0);
    EXPECT_EQ(refusal(asked), "BAD_QUEUE_TIME") << seconds;
  }
  asked.set_priority(static_cast<Priority>(9));
  EXPECT_EQ(refusal(asked), "UNKNOWN_PRIORITY");
}

TEST(JobSpec, RefusesUnknownDuplicateAndWronglyTypedOptions) {
  Override empty;
  empty.set_option("a.number");
  EXPECT_EQ(refusal(spec({number("a.other", 1)})), "UNKNOWN_OPTION");
  EXPECT_EQ(refusal(spec({number("a.number", 1), number("a.number", 1)})), "DUPLICATE_OPTION");
  EXPECT_EQ(refusal(spec({choice("a.number", "1")})), "OPTION_WRONG_TYPE");
  EXPECT_EQ(refusal(spec({number("a.list", 1)})), "OPTION_WRONG_TYPE");
  EXPECT_EQ(refusal(spec({empty})), "OPTION_WRONG_TYPE");
  EXPECT_EQ(refusal(spec({choice("a.choice", "magic")})), "OPTION_NOT_A_CHOICE");
}

}  // namespace
}  // namespace chistream::test
