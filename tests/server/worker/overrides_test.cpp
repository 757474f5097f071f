#include "worker/overrides.hpp"

#include <gtest/gtest.h>

#include "device/error.hpp"
#include "formats/format_error.hpp"
#include "worker/catalogue.hpp"
#include "worker/error_detail.hpp"
#include "worker/gzip.hpp"
#include "worker/report.hpp"

namespace chistream::test {
namespace {

std::string reason_of(auto&& action) {
  try {
    action();
  } catch (qsm::Error const& error) {
    return error.reason();
  }
  return "";
}

TEST(Overrides, AreParsedByTheTable) {
  qsm::PipelineOptions options;
  apply(options, parse_override("inversion.alpha=2e-4"));
  apply(options, parse_override("inversion.method=tkd"));
  apply(options, parse_override("background.radii_mm=9,6.5,3"));
  EXPECT_EQ(options.variational.alpha, 2e-4);
  EXPECT_EQ(options.inversion, qsm::InversionMethod::kTkd);
  EXPECT_EQ(options.background.radii_mm, (std::vector<double>{9, 6.5, 3}));
  apply(options, parse_override("background.radii_mm="));
  EXPECT_TRUE(options.background.radii_mm.empty());
}

TEST(Overrides, AreRefusedByName) {
  EXPECT_EQ(reason_of([] { parse_override("inversion.alpha"); }), "OPTION_TYPE");
  EXPECT_EQ(reason_of([] { parse_override("inversion.alpha=much"); }), "OPTION_TYPE");
  EXPECT_EQ(reason_of([] { parse_override("inversion.beta=1"); }), "UNKNOWN_OPTION");
  EXPECT_EQ(reason_of([] { find_preset("liver-3t@1"); }), "UNKNOWN_PIPELINE");
  qsm::PipelineOptions options;
  EXPECT_EQ(reason_of([&] { apply(options, qsm::v1::Override()); }), "OPTION_TYPE");
}

TEST(Overrides, ReadBackWhatTheCatalogueSays) {
  auto const all = catalogue();
  ASSERT_FALSE(all.pipelines().empty());
  EXPECT_EQ(all.pipelines(0).options_size(), static_cast<int>(qsm::option_table().size()));
  for (auto const& pipeline : all.pipelines()) {
    auto const& preset = find_preset(pipeline.name() + "@" + std::to_string(pipeline.version()));
    qsm::PipelineOptions options;
    for (auto const& option : pipeline.options()) apply(options, option.default_value());
    EXPECT_EQ(parameters_json(options), parameters_json(preset.options));
  }
}

TEST(ErrorDetail, KeepsReasonsAndHidesTheRest) {
  auto const bad = to_error_detail(FormatError("UNDERSAMPLED", "half the lines", "send them all"));
  EXPECT_EQ(bad.reason(), "UNDERSAMPLED");
  EXPECT_EQ(bad.hint(), "send them all");
  EXPECT_FALSE(bad.retryable());
  qsm::Error const memory(qsm::ErrorCode::kOutOfMemory, "OUT_OF_MEMORY", "no 5 bytes");
  EXPECT_TRUE(to_error_detail(memory, "coils").retryable());
  EXPECT_EQ(to_error_detail(memory, "coils").stage(), "coils");
  EXPECT_EQ(exit_code(memory), 4);
  auto const inner = to_error_detail(std::runtime_error("/home/jane_doe/scan.nii"));
  EXPECT_EQ(inner.reason(), "INTERNAL");
  EXPECT_EQ(inner.message().find("jane"), std::string::npos);
}

TEST(Gzip, IsTheSameEachTimeAndCarriesNoTime) {
  std::string text;
  for (unsigned i = 0; i < 300000; ++i) text += static_cast<char>(i * i % 251);
  auto const once = gzip(text);
  EXPECT_EQ(once, gzip(text));
  ASSERT_GT(once.size(), 18u);
  EXPECT_EQ(once.substr(0, 3), "\x1f\x8b\x08");
  EXPECT_EQ(once.substr(4, 4), std::string(4, '\0'));
  EXPECT_LT(once.size(), text.size());
}

}  // namespace
}  // namespace chistream::test
