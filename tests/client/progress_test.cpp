#include "client/progress.hpp"

#include <gtest/gtest.h>

namespace chistream::test {

TEST(Progress, WritesSizesAsPeopleReadThem) {
  EXPECT_EQ(size_text(0), "0 bytes");
  EXPECT_EQ(size_text(999'999), "999999 bytes");
  EXPECT_EQ(size_text(37'100'000), "37.1 MB");
  EXPECT_EQ(size_text(1'421'107'423), "1.42 GB");
}

TEST(Progress, FillsItsBar) {
  EXPECT_EQ(bar_text(-1, 4), "[....]");
  EXPECT_EQ(bar_text(0.5, 4), "[##..]");
  EXPECT_EQ(bar_text(7, 4), "[####]");
}

}  // namespace chistream::test
