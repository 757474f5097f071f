/// Brings volumes onto a device one after another: host work on the next one goes on while the
/// device is busy with the last.
///
///   upload.fill(field, [](std::span<T> host) { .. write every value .. });
///
/// CPU: the function writes into the field itself, nothing is copied. CUDA: it writes into one of
/// two page-locked volumes, which the device copies by itself (several times faster than from
/// pageable memory); it is waited for only when its turn comes again.
#pragma once

#include <span>

#include "device/buffer.hpp"

namespace qsm {

/// Page-locked memory for `bytes`, and whether the device has read what was put into it.
class PinnedBlock {
 public:
  PinnedBlock(Cuda const& device, std::size_t bytes);  // throws Error{kOutOfMemory}
  ~PinnedBlock();
  PinnedBlock(PinnedBlock const&) = delete;
  void* wait_until_free() const;
  void copy_to(void* device_data) const;  // asynchronous

 private:
  Cuda const& device_;
  std::size_t bytes_;
  void* data_ = nullptr;
  struct CUevent_st* copied_ = nullptr;
};

template <class Device, class T>
class Upload;

template <class T>
class Upload<Cpu, T> {
 public:
  Upload(Cpu const&, Grid) {}
  template <class Write>
  void fill(Field<T> field, Write write) {
    write(std::span<T>(field.data, field.size()));
  }
};

template <class T>
class Upload<Cuda, T> {
 public:
  Upload(Cuda const& device, Grid grid)
      : size_(grid.size()), blocks_{{device, size_ * sizeof(T)}, {device, size_ * sizeof(T)}} {}
  template <class Write>
  void fill(Field<T> field, Write write) {
    require(field.size() == size_, "SHAPE_MISMATCH", "upload of another size");
    PinnedBlock const& block = blocks_[turn_];
    turn_ = 1 - turn_;
    write(std::span<T>(static_cast<T*>(block.wait_until_free()), size_));
    block.copy_to(field.data);
  }

 private:
  std::size_t size_;
  PinnedBlock blocks_[2];
  int turn_ = 0;
};

}  // namespace qsm
