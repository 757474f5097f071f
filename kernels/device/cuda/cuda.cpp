#include "device/cuda/check.hpp"
#include "device/device.hpp"
#include "device/upload.hpp"

namespace qsm {

std::vector<DeviceInfo> Cuda::list() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();  // "no driver" and "no device" are answers here, not failures
    return {};
  }
  std::vector<DeviceInfo> devices;
  for (int d = 0; d < count; ++d) {
    cudaDeviceProp properties;
    std::size_t free = 0, total = 0;
    if (cudaGetDeviceProperties(&properties, d) != cudaSuccess || cudaSetDevice(d) != cudaSuccess ||
        cudaMemGetInfo(&free, &total) != cudaSuccess)
      continue;
    devices.push_back({.name = properties.name,
                       .kind = "cuda",
                       .index = d,
                       .memory_bytes = total,
                       .free_bytes = free});
  }
  return devices;
}

Cuda::Cuda(int index) : meter_(std::make_shared<MemoryMeter>()) {
  check(cudaSetDevice(index));
  // Keep what is freed: buffers of the next job come from the pool without asking the driver.
  cudaMemPool_t pool;
  check(cudaDeviceGetDefaultMemPool(&pool, index));
  std::uint64_t keep = UINT64_MAX;
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep));
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  stream_ = {stream, [](cudaStream_t s) { cudaStreamDestroy(s); }};
}

void Cuda::synchronize() const {
  check(cudaStreamSynchronize(stream()));
}

void* allocate(Cuda const& device, std::size_t bytes) {
  void* data = nullptr;
  check(cudaMallocAsync(&data, bytes == 0 ? 1 : bytes, device.stream()));
  device.meter().add(bytes);
  return data;
}

void release(Cuda const& device, void* data, std::size_t bytes) noexcept {
  device.meter().remove(bytes);
  cudaFreeAsync(data, device.stream());
}

void fill_zero(Cuda const& device, void* data, std::size_t bytes) {
  check(cudaMemsetAsync(data, 0, bytes, device.stream()));
}

void copy_from_host(Cuda const& device, void* to, void const* from, std::size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device.stream()));
  device.synchronize();
}

void copy_to_host(Cuda const& device, void* to, void const* from, std::size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device.stream()));
  device.synchronize();
}

void copy_on_device(Cuda const& device, void* to, void const* from, std::size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, device.stream()));
}

PinnedBlock::PinnedBlock(Cuda const& device, std::size_t bytes) : device_(device), bytes_(bytes) {
  check(cudaMallocHost(&data_, bytes == 0 ? 1 : bytes));
  if (auto const status = cudaEventCreateWithFlags(&copied_, cudaEventDisableTiming);
      status != cudaSuccess) {
    cudaFreeHost(data_);
    check(status);
  }
}

PinnedBlock::~PinnedBlock() {
  cudaEventSynchronize(copied_);
  cudaEventDestroy(copied_);
  cudaFreeHost(data_);
}

void* PinnedBlock::wait_until_free() const {
  check(cudaEventSynchronize(copied_));  // an event never recorded is no wait
  return data_;
}

void PinnedBlock::copy_to(void* device_data) const {
  check(cudaMemcpyAsync(device_data, data_, bytes_, cudaMemcpyHostToDevice, device_.stream()));
  check(cudaEventRecord(copied_, device_.stream()));
}

}  // namespace qsm
