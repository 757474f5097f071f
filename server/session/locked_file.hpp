/// A file under construction that one process at a time writes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace chistream {

/// Opens `path` with mode 0600, waits for its lock, and empties it. Writes go through a buffer of
/// 1 MiB. What a killed process leaves behind is overwritten by the next that wants the same path.
/// Throws FormatError FILE_UNWRITABLE.
class LockedFile {
 public:
  explicit LockedFile(std::filesystem::path path);
  ~LockedFile();
  LockedFile(LockedFile const&) = delete;
  LockedFile& operator=(LockedFile const&) = delete;

  void write(std::span<std::byte const> bytes);
  void flush();
  void rename(std::filesystem::path const& to);
  void remove();

 private:
  [[noreturn]] void fail(char const* what) const;
  void write_through(std::span<std::byte const> bytes);

  std::filesystem::path path_;
  int file_ = -1;
  std::vector<std::byte> buffer_;
};

}  // namespace chistream
