/// How ISMRMRD lays acquisitions out in HDF5, for reading and writing them in blocks.
///
/// libismrmrd reads and appends one acquisition per HDF5 call, through chunks of one record: for
/// the 138 240 lines of a 1.4 GB exam that is several times slower than blocks of the same layout.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "formats/acquisitions.hpp"

namespace chistream {

/// Owns an HDF5 identifier. Throws FormatError `reason` where HDF5 answered a negative one.
class H5Handle {
 public:
  H5Handle() = default;
  H5Handle(hid_t id, herr_t (*close)(hid_t), char const* reason, char const* what);
  ~H5Handle();
  H5Handle(H5Handle&& other) noexcept
      : id_(std::exchange(other.id_, -1)), close_(std::exchange(other.close_, nullptr)) {}
  H5Handle& operator=(H5Handle&& other) noexcept;
  operator hid_t() const { return id_; }

 private:
  hid_t id_ = -1;
  herr_t (*close_)(hid_t) = nullptr;
};

H5Handle stored_acquisition_type();

/// The heads alone: reading them does not touch the samples.
H5Handle stored_head_type();

/// Stops HDF5 from printing its error stack and from loading filter plug-ins into this process.
void quieten_hdf5();

/// An ISMRMRD file open for reading. Links to other files are refused.
/// Throws FormatError FILE_UNREADABLE, NOT_ISMRMRD, BAD_ISMRMRD_HEADER.
class IsmrmrdFile final : public Acquisitions {
 public:
  explicit IsmrmrdFile(std::filesystem::path const& path);

  std::string xml() const override;
  std::uint64_t acquisitions() const override { return count_; }
  void read_heads(std::uint64_t first,
                  std::span<ISMRMRD::ISMRMRD_AcquisitionHeader> out) const override;
  std::span<StoredAcquisition const> read(std::uint64_t first, std::uint64_t count) override;

  ~IsmrmrdFile() override { release(); }
  IsmrmrdFile(IsmrmrdFile const&) = delete;
  IsmrmrdFile& operator=(IsmrmrdFile const&) = delete;

 private:
  void select(std::uint64_t first, std::uint64_t count) const;
  void release();

  H5Handle file_;
  H5Handle data_;
  H5Handle space_;
  H5Handle record_type_;
  H5Handle head_type_;
  std::uint64_t count_ = 0;
  std::vector<StoredAcquisition> block_;
};

}  // namespace chistream
