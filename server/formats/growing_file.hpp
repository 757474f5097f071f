/// A file that is read while somebody still writes it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <future>
#include <span>
#include <string>

namespace chistream {

class GrowingFile {
 public:
  /// Makes the file (mode 0600) where its writer has not yet. `whole` is ready once nothing more
  /// will be written: with the SHA-256 of the file, or with the exception that says why it will
  /// never be whole. Throws FormatError FILE_UNREADABLE.
  GrowingFile(std::filesystem::path const& path, std::shared_future<std::string> whole);

  /// A file that is whole already.
  GrowingFile(std::filesystem::path const& path, std::string sha256);
  ~GrowingFile();
  GrowingFile(GrowingFile const&) = delete;

  /// Fills `out` from `offset`, having waited for as long as it took to be written. Answers how
  /// much that was: less only at the end of the whole file. Throws what `whole` holds, FormatError
  /// FILE_UNREADABLE.
  std::size_t read(std::uint64_t offset, std::span<std::byte> out) const;

  /// Lower-case hex. Waits for the file to be whole.
  std::string sha256() const { return whole_.get(); }

  /// Bytes that are there now.
  std::uint64_t size() const;

 private:
  bool reaches(std::uint64_t end) const;

  std::shared_future<std::string> whole_;
  int file_;
  mutable std::atomic<std::uint64_t> seen_ = 0;  // bytes that are known to be there
};

}  // namespace chistream
