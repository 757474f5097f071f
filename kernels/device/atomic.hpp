/// The few atomic operations that point kernels need where they must write to a shared element. Use
/// only those whose result does not depend on the order of the threads (minimum, integer sum).
#pragma once

#include <atomic>
#include <cstdint>

#include "device/grid.hpp"

namespace qsm {

/// Reads an element that other threads may be writing, as a whole.
QSM_HD std::uint32_t atomic_load(std::uint32_t* at) {
#if defined(__CUDA_ARCH__)
  return *static_cast<std::uint32_t volatile*>(at);
#else
  return std::atomic_ref<std::uint32_t>(*at).load(std::memory_order_relaxed);
#endif
}
QSM_HD std::uint64_t atomic_load(std::uint64_t* at) {
#if defined(__CUDA_ARCH__)
  return *static_cast<std::uint64_t volatile*>(at);
#else
  return std::atomic_ref<std::uint64_t>(*at).load(std::memory_order_relaxed);
#endif
}

/// Writes an element that other threads may be reading, as a whole.
QSM_HD void atomic_store(std::uint64_t* at, std::uint64_t value) {
#if defined(__CUDA_ARCH__)
  *static_cast<std::uint64_t volatile*>(at) = value;
#else
  std::atomic_ref<std::uint64_t>(*at).store(value, std::memory_order_relaxed);
#endif
}

/// *at = min(*at, value); returns what was there before.
QSM_HD std::uint32_t atomic_min(std::uint32_t* at, std::uint32_t value) {
#if defined(__CUDA_ARCH__)
  return atomicMin(at, value);
#else
  std::atomic_ref<std::uint32_t> const shared(*at);
  std::uint32_t old = shared.load(std::memory_order_relaxed);
  while (value < old && !shared.compare_exchange_weak(old, value, std::memory_order_relaxed)) {
  }
  return old;
#endif
}

/// The same for 64 bits. A plain look first: where many threads lower one element, most have come
/// too late, and looking is far cheaper than the exchange.
QSM_HD void atomic_min(std::uint64_t* at, std::uint64_t value) {
#if defined(__CUDA_ARCH__)
  if (value < atomic_load(at))
    atomicMin(reinterpret_cast<unsigned long long*>(at), static_cast<unsigned long long>(value));
#else
  std::atomic_ref<std::uint64_t> const shared(*at);
  std::uint64_t old = shared.load(std::memory_order_relaxed);
  while (value < old && !shared.compare_exchange_weak(old, value, std::memory_order_relaxed)) {
  }
#endif
}

/// *at += value; returns what was there before.
QSM_HD std::uint32_t atomic_add(std::uint32_t* at, std::uint32_t value) {
#if defined(__CUDA_ARCH__)
  return atomicAdd(at, value);
#else
  return std::atomic_ref<std::uint32_t>(*at).fetch_add(value, std::memory_order_relaxed);
#endif
}

/// *at += value.
QSM_HD void atomic_add(std::uint64_t* at, std::uint64_t value) {
#if defined(__CUDA_ARCH__)
  atomicAdd(reinterpret_cast<unsigned long long*>(at), static_cast<unsigned long long>(value));
#else
  std::atomic_ref<std::uint64_t>(*at).fetch_add(value, std::memory_order_relaxed);
#endif
}

}  // namespace qsm
