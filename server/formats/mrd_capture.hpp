/// A captured MRD stream, read like an ISMRMRD file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "formats/acquisitions.hpp"
#include "formats/mapped_file.hpp"

namespace chistream {

/// Indexes the messages in one pass; images, waveforms and texts are left out.
/// Throws FormatError FILE_UNREADABLE, MRD_INCOMPLETE (cut off before its end, with what came),
/// BAD_ISMRMRD_HEADER (no XML header, or two), and as MrdMessages does.
class MrdCapture final : public Acquisitions {
 public:
  explicit MrdCapture(std::filesystem::path const& path);

  std::string xml() const override;
  std::uint64_t acquisitions() const override { return offsets_.size(); }
  void read_heads(std::uint64_t first,
                  std::span<ISMRMRD::ISMRMRD_AcquisitionHeader> out) const override;
  std::span<StoredAcquisition const> read(std::uint64_t first, std::uint64_t count) override;

 private:
  ISMRMRD::ISMRMRD_AcquisitionHeader head_at(std::uint64_t index) const;

  MappedFile file_;
  std::uint64_t xml_offset_ = 0, xml_size_ = 0;
  std::vector<std::uint64_t> offsets_;  // of acquisitions
  std::vector<StoredAcquisition> block_;
  std::vector<float> numbers_;  // of the block: in the file they lie at any address
};

}  // namespace chistream
