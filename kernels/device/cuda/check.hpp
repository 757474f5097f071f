/// Turns a CUDA status into a qsm::Error that names the call site.
#pragma once

#include <cuda_runtime.h>
#include <cufft.h>

#include <source_location>
#include <string>

#include "device/error.hpp"

namespace qsm {

inline void check(cudaError_t status,
                  std::source_location where = std::source_location::current()) {
  if (status == cudaSuccess) return;
  auto const code = status == cudaErrorMemoryAllocation ? ErrorCode::kOutOfMemory
                                                        : ErrorCode::kDeviceFailure;
  throw Error(code, code == ErrorCode::kOutOfMemory ? "GPU_OUT_OF_MEMORY" : "GPU_FAILURE",
              std::string(cudaGetErrorString(status)) + " in " + where.function_name());
}

inline void check(cufftResult status,
                  std::source_location where = std::source_location::current()) {
  if (status == CUFFT_SUCCESS) return;
  auto const code =
      status == CUFFT_ALLOC_FAILED ? ErrorCode::kOutOfMemory : ErrorCode::kDeviceFailure;
  throw Error(code, code == ErrorCode::kOutOfMemory ? "GPU_OUT_OF_MEMORY" : "CUFFT_FAILURE",
              "cuFFT status " + std::to_string(static_cast<int>(status)) + " in " +
                  where.function_name());
}

}  // namespace qsm
