#include "store/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "store/request_error.hpp"

namespace chistream {

void throw_errno(std::string const& what) {
  int const error = errno;
  if (error == ENOSPC || error == EDQUOT)
    throw RequestError(grpc::RESOURCE_EXHAUSTED, "DISK_FULL", "no space is left in the spool",
                       "free space in the spool, then go on from the durable offset");
  throw std::system_error(error, std::generic_category(), what);
}

File::File(std::filesystem::path const& path, int flags, unsigned mode)
    : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
  if (fd_ < 0) throw_errno("open " + path.string());
}

std::uint64_t File::size() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) throw_errno("fstat");
  return static_cast<std::uint64_t>(status.st_size);
}

std::size_t File::read_at(std::uint64_t offset, std::span<std::byte> bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    ssize_t const n =
        ::pread(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n == 0) break;
    if (n > 0)
      done += static_cast<std::size_t>(n);
    else if (errno != EINTR)
      throw_errno("read");
  }
  return done;
}

void File::write_at(std::uint64_t offset, std::span<std::byte const> bytes) {
  while (!bytes.empty()) {
    ssize_t const n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_errno("write");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
}

void File::truncate(std::uint64_t bytes) {
  if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) throw_errno("truncate");
}

void File::sync() {
  if (::fdatasync(fd_) != 0) throw_errno("fdatasync");
}

void File::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void sync_directory(std::filesystem::path const& directory) {
  File const handle(directory, O_RDONLY | O_DIRECTORY);
  if (::fsync(handle.fd()) != 0) throw_errno("fsync " + directory.string());
}

void replace_file(std::filesystem::path const& path, std::string const& content) {
  std::filesystem::path const next = path.string() + ".next";
  {
    File file(next, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    file.write_at(0, std::as_bytes(std::span(content)));
    file.sync();
  }
  std::filesystem::rename(next, path);
  sync_directory(std::filesystem::absolute(path).parent_path());
}

}  // namespace chistream
