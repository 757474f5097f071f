#include <omp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "device/device.hpp"
#include "device/error.hpp"

namespace qsm {

std::vector<DeviceInfo> Cpu::list() {
  DeviceInfo info{.name = "CPU", .kind = "cpu", .index = 0, .memory_bytes = 0, .free_bytes = 0};
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);)
    if (line.starts_with("model name")) {
      info.name = line.substr(line.find(": ") + 2);
      break;
    }
  auto const page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  info.memory_bytes = page * static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES));
  info.free_bytes = page * static_cast<std::uint64_t>(sysconf(_SC_AVPHYS_PAGES));
  return {info};
}

Cpu::Cpu(int) : meter_(std::make_shared<MemoryMeter>()) {}

/// Volumes on huge pages: a column along z touches a page per point, and new memory is faulted in
/// by 2 MiB instead of 4 KiB.
void* allocate(Cpu const& device, std::size_t bytes) {
  constexpr std::size_t kCacheLine = 64, kHugePage = std::size_t{2} << 20;
  bool const is_large = bytes >= 2 * kHugePage;
  void* data = nullptr;
  if (posix_memalign(&data, is_large ? kHugePage : kCacheLine, std::max(bytes, kCacheLine)) != 0)
    throw Error(ErrorCode::kOutOfMemory, "OUT_OF_MEMORY",
                "no " + std::to_string(bytes) + " bytes of host memory");
  // The last page only where it is full: the rest of it would be memory for nothing.
  if (is_large) madvise(data, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  device.meter().add(bytes);
  return data;
}

void release(Cpu const& device, void* data, std::size_t bytes) noexcept {
  device.meter().remove(bytes);
  std::free(data);
}

void fill_zero(Cpu const&, void* data, std::size_t bytes) { std::memset(data, 0, bytes); }
void copy_from_host(Cpu const&, void* to, void const* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}
void copy_to_host(Cpu const&, void* to, void const* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}
void copy_on_device(Cpu const&, void* to, void const* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}

}  // namespace qsm
