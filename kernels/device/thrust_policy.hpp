/// Where Thrust runs on each processor, and where its scratch memory comes from. Included by the
/// few files of device/ that call Thrust.
#pragma once

#include <thrust/execution_policy.h>
#if defined(QSM_DEVICE_CUDA)
#include <thrust/system/cuda/execution_policy.h>
#else
#include <thrust/system/omp/execution_policy.h>
#endif

#include <cstddef>

#include "device/device.hpp"

namespace qsm {

#if defined(QSM_DEVICE_CUDA)

/// Scratch from the stream-ordered pool: Thrust's own allocator asks the driver, which waits for
/// the device each time.
class StreamScratch {
 public:
  using value_type = char;
  explicit StreamScratch(Cuda const& device) : device_(&device) {}
  char* allocate(std::ptrdiff_t bytes) {
    return static_cast<char*>(qsm::allocate(*device_, static_cast<std::size_t>(bytes)));
  }
  void deallocate(char* data, std::size_t bytes) noexcept { release(*device_, data, bytes); }

 private:
  Cuda const* device_;
};

/// `scratch` outlives the call.
inline auto thrust_policy(Cuda const& device, StreamScratch& scratch) {
  return thrust::cuda::par(scratch).on(device.stream());
}

#else

class StreamScratch {
 public:
  explicit StreamScratch(Cpu const&) {}
};
inline auto thrust_policy(Cpu const&, StreamScratch&) {
  return thrust::omp::par;
}

#endif

}  // namespace qsm
