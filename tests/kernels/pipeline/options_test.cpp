#include "pipeline/options.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>

#include "device/error.hpp"

namespace qsm {
namespace {

std::string reason_of(std::string const& name, OptionValue const& value) {
  PipelineOptions options;
  try {
    set_option(options, name, value);
  } catch (Error const& e) {
    return e.reason();
  }
  return "";
}

TEST(PipelineOptions, EveryRowReadsBackWhatItSets) {
  for (OptionRow const& row : option_table()) {
    PipelineOptions options;
    OptionValue const original = row.get(options);
    OptionValue other = original;
    if (std::holds_alternative<double>(other)) {
      other = row.integer ? row.maximum : 0.5 * (row.minimum + row.maximum);
    } else if (std::holds_alternative<std::vector<double>>(other)) {
      other = std::vector<double>{row.maximum, row.minimum};
    } else {
      other = row.choices.back();
    }

    set_option(options, row.name, other);

    EXPECT_EQ(row.get(options), other) << row.name;
    set_option(options, row.name, original);
    EXPECT_EQ(row.get(options), original) << row.name << ": the default is outside its own range";
  }
}

TEST(PipelineOptions, RefusesByName) {
  EXPECT_EQ(reason_of("inversion.alfa", 1.0), "UNKNOWN_OPTION");
  EXPECT_EQ(reason_of("inversion.alpha", std::string("big")), "OPTION_TYPE");
  EXPECT_EQ(reason_of("inversion.alpha", -1.0), "OPTION_OUT_OF_RANGE");
  EXPECT_EQ(reason_of("inversion.alpha", std::numeric_limits<double>::quiet_NaN()),
            "OPTION_OUT_OF_RANGE");
  EXPECT_EQ(reason_of("inversion.iterations", 1.5), "OPTION_TYPE");
  EXPECT_EQ(reason_of("inversion.method", std::string("magic")), "OPTION_OUT_OF_RANGE");
  EXPECT_EQ(reason_of("background.radii_mm", std::vector<double>{12, 0.1}), "OPTION_OUT_OF_RANGE");
}

TEST(PipelineOptions, NamesAreUniqueAndStagesAreKnown) {
  std::vector<std::string> names;
  for (OptionRow const& row : option_table()) {
    for (auto const& seen : names) EXPECT_NE(seen, row.name);
    names.push_back(row.name);
    EXPECT_NE(row.name.find('.'), std::string::npos);
    EXPECT_FALSE(row.doc.empty());
  }
}

TEST(Presets, HaveNamesOfTheirOwnAndTheFirstIsTheDefault) {
  std::set<std::string> names;
  for (Preset const& preset : presets()) {
    EXPECT_TRUE(names.insert(preset.name + '@' + std::to_string(preset.version)).second);
    EXPECT_FALSE(preset.doc.empty());
  }
  for (OptionRow const& row : option_table())
    EXPECT_EQ(row.get(presets().front().options), row.get({})) << row.name;
}

}  // namespace
}  // namespace qsm
