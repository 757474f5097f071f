#include "formats/growing_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "formats/format_error.hpp"

namespace chistream {

namespace {

/// How long a reader sleeps between two looks: beside the 3 ms that a chunk of 1 MiB takes to be
/// sent, it costs nothing.
constexpr std::chrono::milliseconds kLook{2};

[[noreturn]] void refuse(char const* what) {
  throw FormatError("FILE_UNREADABLE", std::string(what) + ": " + std::strerror(errno));
}

std::shared_future<std::string> ready(std::string sha256) {
  std::promise<std::string> promise;
  promise.set_value(std::move(sha256));
  return promise.get_future().share();
}

}  // namespace

GrowingFile::GrowingFile(std::filesystem::path const& path, std::shared_future<std::string> whole)
    : whole_(std::move(whole)), file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  if (file_ < 0) refuse("the file cannot be opened");
}

GrowingFile::GrowingFile(std::filesystem::path const& path, std::string sha256)
    : whole_(ready(std::move(sha256))), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (file_ < 0) refuse("the file cannot be opened");
}

GrowingFile::~GrowingFile() {
  ::close(file_);
}

std::uint64_t GrowingFile::size() const {
  struct stat status {};
  if (::fstat(file_, &status) != 0) refuse("the file cannot be looked at");
  return static_cast<std::uint64_t>(status.st_size);
}

/// Asks the system only beyond what was seen before: a scan of many short lines is read in many
/// pieces.
bool GrowingFile::reaches(std::uint64_t end) const {
  if (seen_ < end) seen_ = size();
  return seen_ >= end;
}

std::size_t GrowingFile::read(std::uint64_t offset, std::span<std::byte> out) const {
  std::uint64_t const end = offset + out.size();
  while (!reaches(end) && whole_.wait_for(kLook) != std::future_status::ready) {
  }
  if (!reaches(end)) whole_.get();  // it may have failed
  std::size_t done = 0;
  while (done < out.size()) {
    ssize_t const got =
        ::pread(file_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse("the file cannot be read");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace chistream
