/// Exams of a few voxels, whole or spoilt on purpose.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "formats/container_reader.hpp"
#include "formats/container_writer.hpp"
#include "formats/format_error.hpp"

namespace chistream::test {

/// A folder that disappears with the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::filesystem::path operator/(std::string const& name) const { return path_ / name; }
  std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// 7 x 5 x 6 voxels of 1 x 1.5 x 2 mm, two coils, three echoes, axes turned in the patient.
qsm::v1::ExamHeader kspace_header();
qsm::v1::ExamHeader image_header();

/// Different for every sample of every line.
std::vector<std::complex<float>> line_samples(qsm::container::AcquisitionHead const& head);

/// Every line of every echo, as `write` is called.
void for_each_line(qsm::v1::ExamHeader const& header,
                   std::function<void(qsm::container::AcquisitionHead)> const& write);

/// What `write` writes, which ends the container itself; container_bytes() does that for it.
std::vector<std::byte> written_bytes(std::function<void(ContainerWriter&)> const& write);
std::vector<std::byte> container_bytes(std::function<void(ContainerWriter&)> const& write);
std::vector<std::byte> whole_kspace(qsm::v1::ExamHeader const& header = kspace_header());
std::vector<std::byte> whole_images(qsm::v1::ExamHeader const& header = image_header());

void save(std::filesystem::path const& path, std::vector<std::byte> const& bytes);
ContainerReader saved(TemporaryFolder const& folder, std::vector<std::byte> const& bytes);

/// The reason of the FormatError that `f` throws; "none" if it throws nothing.
std::string reason_of(std::function<void()> const& f);

}  // namespace chistream::test
