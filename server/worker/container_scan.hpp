/// The samples of an exam container as the chain reads them.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/container_reader.hpp"
#include "pipeline/scan.hpp"

namespace chistream {

/// Unit vector along B0, the patient's z axis, in the axes of the volume.
qsm::Vec3d b0_direction(qsm::v1::Geometry const& geometry);

/// What the header says, in the terms of the chain.
qsm::ScanDescription describe_scan(qsm::v1::ExamHeader const& header);

/// Gathers k-space lines, or image blocks, from the mapped file; `exam` outlives it. The container
/// is one that inspect() accepted; a line that is missing reads as zero, and of one that came
/// several times the mean is taken.
///
/// Throws Error{kInvalidArgument, "BAD_RECORD"} for a record outside the matrix of the header, and
/// from read() "MISSING_BLOCK" for a coil or an echo without image.
class ContainerScan final : public qsm::ScanSource {
 public:
  explicit ContainerScan(ContainerReader const& exam);

  void read(int echo, int coil, std::span<qsm::Complex> volume) override;

 private:
  void index_lines();
  void index_blocks();
  void read_kspace(std::size_t echo, std::size_t coil, std::span<qsm::Complex> volume) const;
  void read_image(std::size_t echo, std::size_t coil, std::span<qsm::Complex> volume);

  struct CoilImage {
    ImageBlockRecord const* complex = nullptr;
    ImageBlockRecord const* magnitude = nullptr;
    ImageBlockRecord const* phase = nullptr;
  };

  ContainerReader const& exam_;
  qsm::ScanDescription scan_;
  struct EchoLines {
    std::vector<AcquisitionRecord const*> records;
    std::vector<std::uint32_t> hits;  // per line of the matrix, y fastest
    bool averaged = false;            // some line came more than once
  };

  std::vector<EchoLines> lines_;          // per echo
  std::vector<CoilImage> images_;         // coils x echoes, coil fastest
  std::vector<float> magnitude_, phase_;  // of the image being read
};

}  // namespace chistream
