/// The device a kernel test runs on. A CUDA test on a machine without a GPU skips, aloud.
#pragma once

#include <gtest/gtest.h>

#include "device/device.hpp"

namespace qsm::test {

class DeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (ThisDevice::list().empty()) GTEST_SKIP() << "no CUDA device answers on this machine";
    device_ = std::make_unique<ThisDevice>();
  }
  ThisDevice const& device() const { return *device_; }

 private:
  std::unique_ptr<ThisDevice> device_;
};

}  // namespace qsm::test
