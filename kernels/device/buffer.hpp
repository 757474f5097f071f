/// Owner of device memory; move-only. Views of it are Fields.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "device/device.hpp"
#include "device/error.hpp"
#include "device/field.hpp"

namespace qsm {

template <class Device, class T>
class Buffer {
 public:
  Buffer() = default;

  /// Contents are undefined until written. Throws Error{kOutOfMemory}.
  Buffer(Device const& device, Grid grid)
      : device_(&device), grid_(grid), data_(static_cast<T*>(allocate(device, bytes()))) {}

  Buffer(Device const& device, Grid grid, std::span<T const> host) : Buffer(device, grid) {
    upload(host);
  }

  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~Buffer() {
    if (data_) release(*device_, data_, bytes());
  }

  Field<T> field() { return {data_, grid_}; }
  Field<T const> field() const { return {data_, grid_}; }
  Field<T const> view() const { return {data_, grid_}; }
  Grid grid() const { return grid_; }
  std::size_t size() const { return grid_.size(); }
  std::size_t bytes() const { return grid_.size() * sizeof(T); }
  explicit operator bool() const { return data_ != nullptr; }

  void zero() { fill_zero(*device_, data_, bytes()); }
  void copy_from(Buffer const& other) {
    require(other.size() == size(), "SHAPE_MISMATCH", "buffer copy between different sizes");
    copy_on_device(*device_, data_, other.data_, bytes());
  }
  void upload(std::span<T const> host) {
    require(host.size() == size(), "SHAPE_MISMATCH",
            "upload of " + std::to_string(host.size()) + " values into a buffer of " +
                std::to_string(size()));
    copy_from_host(*device_, data_, host.data(), bytes());
  }
  void download(std::span<T> host) const {
    require(host.size() == size(), "SHAPE_MISMATCH",
            "download of " + std::to_string(size()) + " values into " +
                std::to_string(host.size()));
    copy_to_host(*device_, host.data(), data_, bytes());
  }
  std::vector<T> to_host() const {
    std::vector<T> host(size());
    download(host);
    return host;
  }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(grid_, other.grid_);
    std::swap(data_, other.data_);
  }

  Device const* device_ = nullptr;  // outlives the buffer
  Grid grid_;
  T* data_ = nullptr;
};

}  // namespace qsm
