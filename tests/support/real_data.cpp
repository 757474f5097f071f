#include "support/real_data.hpp"

#include <cstdio>
#include <cstdlib>

namespace qsm::test {

std::string real_data(std::string const& relative) {
  char const* const root = std::getenv("QSM_TEST_DATA");
  if (!root || !*root) return {};
  std::printf("real data: %s\n", relative.c_str());  // the test run counts these
  return std::string(root) + "/" + relative;
}

}  // namespace qsm::test
