#include "formats/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "formats/format_error.hpp"

namespace chistream {

MappedFile::MappedFile(std::filesystem::path const& path) {
  auto const refuse = [](std::string const& what) {
    int const error = errno;
    throw FormatError("FILE_UNREADABLE", what + ": " + std::strerror(error));
  };
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) refuse("the input file cannot be opened");
  struct stat status {};
  bool const regular = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  void* data = nullptr;
  if (regular && status.st_size > 0) {
    size_ = static_cast<std::size_t>(status.st_size);
    data = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0);
  }
  int const error = errno;
  ::close(file);
  errno = error;
  if (!regular) throw FormatError("FILE_UNREADABLE", "the input is not a regular file");
  if (data == MAP_FAILED) refuse("the input file cannot be mapped");
  if (data != nullptr) ::madvise(data, size_, MADV_SEQUENTIAL);
  data_ = static_cast<std::byte const*>(data);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace chistream
