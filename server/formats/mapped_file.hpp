/// A whole file as read-only memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace chistream {

/// Maps a file that nobody changes while it is mapped (a truncation would end the process with
/// SIGBUS). Throws FormatError FILE_UNREADABLE. The kernel is told of access in order, so that a
/// file on disk is read ahead.
class MappedFile {
 public:
  explicit MappedFile(std::filesystem::path const& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile(MappedFile const&) = delete;
  MappedFile& operator=(MappedFile const&) = delete;

  std::span<std::byte const> bytes() const { return {data_, size_}; }

 private:
  std::byte const* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace chistream
