#include "gateway/exams/container_file.hpp"

#include <fstream>

#include "container/sha256.hpp"
#include "formats/format_error.hpp"

namespace chistream::gateway {

std::string write_container(std::filesystem::path const& path,
                            std::function<void(ContainerWriter&)> const& fill) {
  std::ofstream file(path, std::ios::binary);
  qsm::container::Sha256 sha256;
  ContainerWriter out([&](std::span<std::byte const> bytes) {
    sha256.update(bytes);
    file.write(reinterpret_cast<char const*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    if (!file) throw FormatError("FILE_UNWRITABLE", "the exam cannot be written: the disk is full");
  });
  fill(out);
  file.close();
  if (!file) throw FormatError("FILE_UNWRITABLE", "the exam cannot be written: the disk is full");
  return sha256.hex_digest();
}

}  // namespace chistream::gateway
