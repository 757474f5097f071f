/// What this worker binary can do and on what.
#pragma once

#include "device/device.hpp"
#include "qsm/v1/pipeline.pb.h"

namespace chistream {

inline constexpr char kSoftware[] = "chistream";
inline constexpr char kVersion[] = CHISTREAM_VERSION;

qsm::v1::Device to_message(qsm::DeviceInfo const& info);

qsm::v1::WorkerCatalogue catalogue();

/// Throws Error{kDeviceFailure, "NO_DEVICE"} where none answers with this index.
qsm::DeviceInfo device_at(int index);

/// The device that commands work on which are not told another.
inline qsm::DeviceInfo first_device() {
  return device_at(0);
}

}  // namespace chistream
