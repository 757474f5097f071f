#include "session/overrides.hpp"

#include "../formats/small_exam.hpp"

namespace chistream::test {

namespace {

google::protobuf::RepeatedPtrField<qsm::v1::PipelineDescription> pipelines() {
  google::protobuf::RepeatedPtrField<qsm::v1::PipelineDescription> all;
  for (unsigned version : {1, 3, 2}) {
    auto& pipeline = *all.Add();
    pipeline.set_name("brain-3t");
    pipeline.set_version(version);
    auto const add = [&](std::string const& name) -> qsm::v1::Override& {
      auto& option = *pipeline.add_options();
      option.set_name(name);
      return *option.mutable_default_value();
    };
    add("inversion.alpha").set_number(2e-4);
    add("inversion.method").set_choice("nltv");
    add("background.radii_mm").mutable_list();
  }
  return all;
}

}  // namespace

TEST(Overrides, ArePutInTheTypeOfTheirOption) {
  auto const all = pipelines();
  auto const& pipeline = all[0];
  EXPECT_EQ(parse_override(pipeline, "inversion.alpha=2e-4").number(), 2e-4);
  EXPECT_EQ(parse_override(pipeline, "inversion.method=tkd").choice(), "tkd");
  auto const list = parse_override(pipeline, "background.radii_mm=12,6.5,2");
  ASSERT_EQ(list.list().values_size(), 3);
  EXPECT_EQ(list.list().values(1), 6.5);
  EXPECT_EQ(value_text(list), "12,6.5,2");
}

TEST(Overrides, AreRefusedByName) {
  auto const all = pipelines();
  auto const why = [&](char const* text) {
    return reason_of([&] { parse_override(all[0], text); });
  };
  EXPECT_EQ(why("inversion.alpha"), "OPTION_TYPE");
  EXPECT_EQ(why("inversion.alpha="), "OPTION_TYPE");
  EXPECT_EQ(why("inversion.alpha=1x"), "OPTION_TYPE");
  EXPECT_EQ(why("background.radii_mm=1,,2"), "OPTION_TYPE");
  EXPECT_EQ(why("inversion.beta=1"), "UNKNOWN_OPTION");
}

TEST(Overrides, PipelinesAreFoundByNameAndVersion) {
  auto const all = pipelines();
  EXPECT_EQ(find_pipeline(all, "").version(), 1u);          // the server's first
  EXPECT_EQ(find_pipeline(all, "brain-3t").version(), 3u);  // the newest
  EXPECT_EQ(find_pipeline(all, "brain-3t@2").version(), 2u);
  EXPECT_EQ(reason_of([&] { find_pipeline(all, "liver"); }), "UNKNOWN_PIPELINE");
}

}  // namespace chistream::test
