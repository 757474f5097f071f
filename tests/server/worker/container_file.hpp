/// An exam container in a temporary file.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "formats/container_writer.hpp"

namespace chistream::test {

class ContainerFile {
 public:
  ContainerFile() {
    int const descriptor = mkstemps(path_.data(), 8);
    EXPECT_GE(descriptor, 0);
    close(descriptor);
    file_.open(path_, std::ios::binary);
  }
  ~ContainerFile() { std::filesystem::remove(path_); }
  ContainerFile(ContainerFile const&) = delete;

  ContainerWriter writer() {
    return ContainerWriter([this](std::span<std::byte const> bytes) {
      file_.write(reinterpret_cast<char const*>(bytes.data()),
                  static_cast<std::streamsize>(bytes.size()));
    });
  }

  /// To be called after the writer's end().
  std::filesystem::path finish() {
    file_.close();
    return path_;
  }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "scanXXXXXX.qsmexam").string();
  std::ofstream file_;
};

}  // namespace chistream::test
