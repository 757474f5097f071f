/// What this worker binary can do and on what.
#pragma once

#include "device/device.hpp"
#include "qsm/v1/pipeline.pb.h"

namespace chistream {

inline constexpr char kSoftware[] = "chistream";
inline constexpr char kVersion[] = CHISTREAM_VERSION;

qsm::v1::Device to_message(qsm::DeviceInfo const& info);

qsm::v1::WorkerCatalogue catalogue();

/// The device every command works on. Throws Error{kDeviceFailure, "NO_DEVICE"} where none answers.
qsm::DeviceInfo first_device();

}  // namespace chistream
