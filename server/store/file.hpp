/// Files whose content is to survive power loss: positioned reads and writes, sync of file and
/// directory, and the one place where "the disk is full" gets its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

namespace chistream {

/// Throws for the current errno: RequestError RESOURCE_EXHAUSTED DISK_FULL for a full disk or an
/// exhausted quota, std::system_error for the rest.
[[noreturn]] void throw_errno(std::string const& what);

/// Owner of a descriptor; move-only, close-on-exec.
class File {
 public:
  File() = default;
  explicit File(int fd) : fd_(fd) {}
  File(std::filesystem::path const& path, int flags, unsigned mode = 0600);
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~File() { close(); }

  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  std::uint64_t size() const;

  /// Short only at the end of the file.
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> bytes) const;
  void write_at(std::uint64_t offset, std::span<std::byte const> bytes);
  void truncate(std::uint64_t bytes);
  void sync();  // fdatasync: content and size
  void close();

 private:
  int fd_ = -1;
};

/// Makes creations, renames and removals in `directory` durable.
void sync_directory(std::filesystem::path const& directory);

/// Puts `content` in the file's place, mode 0600, durably: whoever reads it at any moment finds the
/// former or the new, whole.
void replace_file(std::filesystem::path const& path, std::string const& content);

}  // namespace chistream
