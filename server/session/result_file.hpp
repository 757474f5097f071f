/// One result on its way to disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "container/sha256.hpp"
#include "qsm/v1/result.pb.h"

namespace chistream {

/// Writes a file and counts and digests its bytes. Throws FormatError FILE_UNWRITABLE; finish():
/// RESULT_DAMAGED unless size and SHA-256 are those of `expected`.
class ResultFile {
 public:
  ResultFile(std::filesystem::path path, qsm::v1::Artifact expected);

  void write(std::string_view bytes);
  std::uint64_t bytes() const { return bytes_; }
  void finish();

 private:
  std::filesystem::path path_;
  qsm::v1::Artifact expected_;
  std::ofstream file_;
  qsm::container::Sha256 sha256_;
  std::uint64_t bytes_ = 0;
};

}  // namespace chistream
