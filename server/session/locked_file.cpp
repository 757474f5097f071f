#include "session/locked_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "formats/format_error.hpp"

namespace chistream {

namespace {
constexpr std::size_t kBufferBytes = 1u << 20;
}

LockedFile::LockedFile(std::filesystem::path path) : path_(std::move(path)) {
  // The holder of the lock may rename or remove the file before we get the lock: then it is no
  // longer the file of that name, and we begin again.
  for (;;) {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file_ < 0) fail("opened");
    if (::flock(file_, LOCK_EX) != 0) fail("locked");
    struct stat ours {};
    struct stat named {};
    if (::fstat(file_, &ours) == 0 && ::stat(path_.c_str(), &named) == 0 &&
        ours.st_ino == named.st_ino)
      break;
    ::close(file_);
  }
  if (::ftruncate(file_, 0) != 0) fail("emptied");
  buffer_.reserve(kBufferBytes);
}

LockedFile::~LockedFile() {
  ::close(file_);
}

void LockedFile::fail(char const* what) const {
  int const error = errno;
  throw FormatError("FILE_UNWRITABLE",
                    path_.string() + " cannot be " + what + ": " + std::strerror(error));
}

void LockedFile::write(std::span<std::byte const> bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  if (bytes.size() >= kBufferBytes) return write_through(bytes);
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void LockedFile::flush() {
  write_through(buffer_);
  buffer_.clear();
}

void LockedFile::write_through(std::span<std::byte const> bytes) {
  while (!bytes.empty()) {
    ssize_t const n = ::write(file_, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) fail("written");
    if (n > 0) bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void LockedFile::rename(std::filesystem::path const& to) {
  if (::rename(path_.c_str(), to.c_str()) != 0) fail("renamed");
}

void LockedFile::remove() {
  ::unlink(path_.c_str());
}

}  // namespace chistream
