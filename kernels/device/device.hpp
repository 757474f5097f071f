/// The two processors. Both types compile under plain g++, so any file may name them; only the
/// single-source list (kernels/CMakeLists.txt) is compiled for each.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct CUstream_st;

namespace qsm {

/// Bytes that buffers and FFT work areas hold now, and the most they ever held.
struct MemoryMeter {
  std::atomic<std::size_t> in_use{0};
  std::atomic<std::size_t> peak{0};
  void add(std::size_t bytes) {
    std::size_t const now = in_use.fetch_add(bytes) + bytes;
    std::size_t seen = peak.load();
    while (now > seen && !peak.compare_exchange_weak(seen, now)) {
    }
  }
  void remove(std::size_t bytes) { in_use.fetch_sub(bytes); }
};

struct DeviceInfo {
  std::string name;
  std::string kind;  // "cpu" or "cuda"
  int index = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t free_bytes = 0;
};

/// The host's cores through OpenMP (omp_set_num_threads decides how many).
class Cpu {
 public:
  static std::vector<DeviceInfo> list();
  explicit Cpu(int index = 0);
  void synchronize() const {}
  MemoryMeter& meter() const { return *meter_; }

 private:
  std::shared_ptr<MemoryMeter> meter_;
};

/// One GPU and one stream on it. Copies share the stream.
class Cuda {
 public:
  static std::vector<DeviceInfo> list();  // empty where no driver or no device answers
  explicit Cuda(int index = 0);           // throws Error{kDeviceFailure}
  void synchronize() const;
  CUstream_st* stream() const { return stream_.get(); }
  MemoryMeter& meter() const { return *meter_; }

 private:
  std::shared_ptr<CUstream_st> stream_;
  std::shared_ptr<MemoryMeter> meter_;
};

// Memory of a device. Allocation throws Error{kOutOfMemory}; contents are undefined.
void* allocate(Cpu const&, std::size_t bytes);
void* allocate(Cuda const&, std::size_t bytes);
void release(Cpu const&, void* data, std::size_t bytes) noexcept;
void release(Cuda const&, void* data, std::size_t bytes) noexcept;
void fill_zero(Cpu const&, void* data, std::size_t bytes);
void fill_zero(Cuda const&, void* data, std::size_t bytes);
// Host copies return when the host memory may be reused or read.
void copy_from_host(Cpu const&, void* to, void const* from, std::size_t bytes);
void copy_from_host(Cuda const&, void* to, void const* from, std::size_t bytes);
void copy_to_host(Cpu const&, void* to, void const* from, std::size_t bytes);
void copy_to_host(Cuda const&, void* to, void const* from, std::size_t bytes);
void copy_on_device(Cpu const&, void* to, void const* from, std::size_t bytes);
void copy_on_device(Cuda const&, void* to, void const* from, std::size_t bytes);

// The processor this translation unit is built for.
#if defined(QSM_DEVICE_CUDA)
using ThisDevice = Cuda;
#else
using ThisDevice = Cpu;
#endif

}  // namespace qsm
