#include "session/result_file.hpp"

#include "formats/format_error.hpp"

namespace chistream {

ResultFile::ResultFile(std::filesystem::path path, qsm::v1::Artifact expected)
    : path_(std::move(path)), expected_(std::move(expected)) {
  std::filesystem::create_directories(path_.parent_path());
  file_.open(path_, std::ios::binary | std::ios::trunc);
  if (!file_) throw FormatError("FILE_UNWRITABLE", path_.string() + " cannot be written");
}

void ResultFile::write(std::string_view bytes) {
  file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file_) throw FormatError("FILE_UNWRITABLE", path_.string() + " cannot be written");
  sha256_.update(bytes);
  bytes_ += bytes.size();
}

void ResultFile::finish() {
  file_.close();
  if (!file_) throw FormatError("FILE_UNWRITABLE", path_.string() + " cannot be written");
  if (bytes_ != expected_.bytes() || sha256_.hex_digest() != expected_.sha256())
    throw FormatError("RESULT_DAMAGED",
                      expected_.name() + " came as " + std::to_string(bytes_) + " of " +
                          std::to_string(expected_.bytes()) + " bytes, or with another SHA-256",
                      "fetch the job again");
}

}  // namespace chistream
