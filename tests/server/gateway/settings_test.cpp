#include "gateway/settings.hpp"

#include <gtest/gtest.h>

#include "formats/format_error.hpp"

namespace chistream::gateway::test {

namespace {

std::string why(std::string const& json) {
  try {
    Settings::parse(json);
    return "none";
  } catch (FormatError const& error) {
    EXPECT_EQ(error.reason(), "GATEWAY_CONFIG");
    return error.what();
  }
}

std::string with(std::string const& fields) {
  return R"({"pipelines": {"QSM": {}}, "callers": [{"ae_title": "*"}])" + fields + "}";
}

}  // namespace

TEST(GatewaySettings, SaysWhereAMistakeIs) {
  EXPECT_EQ(why(with("")), "none");
  EXPECT_EQ(why("{"), "the file: is not JSON");
  EXPECT_EQ(why("{}"), "the file: names no 'pipelines'");
  EXPECT_EQ(why(R"({"pipelines": {"QSM": {}}})"),
            "the file: names no 'callers': nobody could send");
  EXPECT_EQ(why(with(R"(, "nods": {})")), "the file: 'nods' means nothing here");
  EXPECT_EQ(why(with(R"(, "listen": [{"port": 70000}])")), "listen 1: 'port' is not 1 to 65535");
  EXPECT_EQ(why(with(R"(, "nodes": {"pacs": {"ae_title": "A", "port": 1}})")),
            "node 'pacs': has no 'host'");
  EXPECT_EQ(
      why(with(
          R"(, "nodes": {"pacs": {"ae_title": "ABCDEFGHIJKLMNOPQ", "host": "h", "port": 1}})")),
      "node 'pacs': 'ABCDEFGHIJKLMNOPQ' is no AE title (1 to 16 characters)");
  EXPECT_EQ(why(R"({"pipelines": {"QSM": {"priority": "now"}}, "callers": [{"ae_title": "*"}]})"),
            "pipeline 'QSM': 'now' is no priority");
  EXPECT_EQ(
      why(R"({"pipelines": {"QSM": {}}, "callers": [{"ae_title": "A", "return_to": ["x"]}]})"),
      "caller 'A': its node 'x' is not under 'nodes'");
}

TEST(GatewaySettings, WhoMaySendAndWhereResultsGo) {
  auto const settings = Settings::parse(R"({
    "pipelines": {"QSM": {"series": ["r2s"], "priority": "urgent"}},
    "callers": [{"ae_title": "MR1", "address": "10.0.0.1", "return_to": ["pacs", "sender"]},
                {"ae_title": "MR2", "certificate": "mr2.hospital"}],
    "nodes": {"pacs": {"ae_title": "PACS", "host": "h", "port": 104},
              "console": {"ae_title": "MR1", "host": "10.0.0.1", "port": 104}}})");
  EXPECT_TRUE(settings.pipeline("QSM"));
  EXPECT_FALSE(settings.pipeline("qsm"));
  EXPECT_EQ(settings.pipeline("QSM")->spec.priority(), qsm::v1::PRIORITY_URGENT);
  EXPECT_FALSE(settings.caller("MR1", "10.0.0.2", ""));
  EXPECT_FALSE(settings.caller("MR2", "10.0.0.2", ""));
  EXPECT_TRUE(settings.caller("MR2", "10.0.0.2", "mr2.hospital"));
  auto const* const caller = settings.caller("MR1", "10.0.0.1", "");
  ASSERT_TRUE(caller);
  EXPECT_EQ(settings.return_nodes(*caller, "MR1"), (std::vector<std::string>{"pacs", "console"}));
  EXPECT_THROW(settings.return_nodes(*caller, "MR9"), FormatError);
}

}  // namespace chistream::gateway::test
