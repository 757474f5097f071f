#include "daemon/options.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "server/temporary_directory.hpp"
#include "store/request_error.hpp"

namespace chistream::test {
namespace {

CommandLine parse(std::vector<char const*> arguments) {
  arguments.insert(arguments.begin(), "chistreamd");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Options, RefusesAddressesThatOthersCouldReach) {
  for (char const* address : {"0.0.0.0:50151", "[::]:50151", "192.168.1.4:1", "example.org:1",
                              "1270.0.0.1:1", "127.0.0.1.example.org:1"}) {
    try {
      parse({"--listen", address});
      ADD_FAILURE() << address << " was accepted";
    } catch (RequestError const& error) {
      EXPECT_EQ(error.detail().reason(), "NOT_LOOPBACK") << address;
    }
  }
  EXPECT_THROW(parse({"--listen", "127.0.0.1"}), RequestError);
}

TEST(Options, AcceptsLoopbackAndUnixSockets) {
  for (char const* address : {"127.0.0.1:0", "127.8.0.1:9", "localhost:1", "[::1]:1", "unix:/x/y"})
    EXPECT_EQ(parse({"--listen", address}).options.listen, address);
}

TEST(Options, FileSetsWhatFlagsDoNot) {
  TemporaryDirectory directory;
  std::string const path = directory.path() / "chistream.toml";
  std::ofstream(path) << "device = \"cpu\"\nthreads = 3\nspool = \"/somewhere\"\n";

  auto const line = parse({"--config", path.c_str(), "--threads", "5"});

  EXPECT_EQ(line.action, Action::kServe);
  EXPECT_EQ(line.options.device, "cpu");
  EXPECT_EQ(line.options.threads, 5);
  EXPECT_EQ(line.options.spool, "/somewhere");
}

TEST(Options, CheckConfigNamesWhatIsWrong) {
  TemporaryDirectory directory;
  std::string const path = directory.path() / "chistream.toml";
  std::ofstream(path) << "devise = \"cpu\"\n";

  EXPECT_NE(parse({"--config", path.c_str(), "--check-config"}).exit_code, 0);
  EXPECT_NE(parse({"--device", "abacus"}).exit_code, 0);
  auto const good = parse({"--check-config"});
  EXPECT_EQ(good.action, Action::kExit);
  EXPECT_EQ(good.exit_code, 0);
}

}  // namespace
}  // namespace chistream::test
