/// A captured MRD stream, read like an ISMRMRD file: when it is whole, or while it comes in.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "formats/acquisitions.hpp"
#include "formats/growing_file.hpp"
#include "formats/ismrmrd/messages.hpp"

namespace chistream {

/// Images, waveforms and texts are left out.
class MrdCapture final : public Acquisitions {
 public:
  /// Indexes a whole capture in one pass. Throws FormatError FILE_UNREADABLE, and as advance()
  /// does.
  explicit MrdCapture(std::filesystem::path const& path);

  /// Knows nothing until advance() is called.
  explicit MrdCapture(GrowingFile const& stream);

  /// Reads on, waiting for more where the stream still comes in; false: it has come to its close.
  /// Throws FormatError MRD_INCOMPLETE (cut off before its close, with what came),
  /// BAD_ISMRMRD_HEADER (no XML header, or two), and as MrdMessages does.
  bool advance();

  std::string xml() const override;
  std::uint64_t acquisitions() const override { return offsets_.size(); }
  void read_heads(std::uint64_t first,
                  std::span<ISMRMRD::ISMRMRD_AcquisitionHeader> out) const override;
  std::span<StoredAcquisition const> read(std::uint64_t first, std::uint64_t count) override;

 private:
  void note(MrdMessage const& message);
  ISMRMRD::ISMRMRD_AcquisitionHeader head_at(std::uint64_t index) const;
  void read_exactly(std::uint64_t offset, std::span<std::byte> out) const;

  std::unique_ptr<GrowingFile const> own_;  // where no other is given
  GrowingFile const& stream_;
  MrdMessages messages_;
  std::vector<std::byte> piece_;
  std::uint64_t xml_offset_ = 0, xml_size_ = 0;
  std::vector<std::uint64_t> offsets_;  // of acquisitions
  std::vector<StoredAcquisition> block_;
  std::vector<float> numbers_;  // of the block
};

}  // namespace chistream
