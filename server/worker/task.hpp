/// A claimed job, from claim to Finish.
#pragma once

#include "device/device.hpp"
#include "qsm/v1/worker.grpc.pb.h"

namespace chistream {

enum class TaskEnd {
  kDone,          // the daemon knows the outcome, or no longer wants to
  kDeviceBroken,  // the device failed; only a new process can be trusted with it
  kDaemonGone,
};

TaskEnd run_task(qsm::ThisDevice const& device, int device_index,
                 qsm::v1::WorkerService::Stub& stub, qsm::v1::ClaimResponse const& task);

}  // namespace chistream
