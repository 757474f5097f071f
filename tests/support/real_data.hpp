/// Where the measured data sets are: under the folder that QSM_TEST_DATA names.
#pragma once

#include <string>

namespace qsm::test {

/// Path of a data file, or empty where no data folder is given. A test that gets an empty path skips
/// with "real data: QSM_TEST_DATA is not set", which the test run counts.
std::string real_data(std::string const& relative);

}  // namespace qsm::test

#define QSM_SKIP_WITHOUT_REAL_DATA(path) \
  if ((path).empty()) GTEST_SKIP() << "real data: QSM_TEST_DATA is not set"
