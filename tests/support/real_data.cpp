#include "support/real_data.hpp"

#include <cstdlib>

namespace qsm::test {

std::string real_data(std::string const& relative) {
  char const* const root = std::getenv("QSM_TEST_DATA");
  return root && *root ? std::string(root) + "/" + relative : std::string();
}

}  // namespace qsm::test
