/// The acquisitions of a scan, wherever they are kept: an ISMRMRD file or a captured MRD stream.
#pragma once

#include <hdf5.h>
#include <ismrmrd/ismrmrd.h>

#include <algorithm>
#include <complex>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace chistream {

/// One acquisition, as HDF5 hands it over.
struct StoredAcquisition {
  ISMRMRD::ISMRMRD_AcquisitionHeader head;
  hvl_t trajectory;  // float32
  hvl_t data;        // float32, real and imaginary interleaved, sample fastest, then channel
};

/// channels x samples. Throws FormatError SAMPLES_MISMATCH where the head says another number.
std::span<std::complex<float> const> samples_of(StoredAcquisition const& record);

class Acquisitions {
 public:
  virtual ~Acquisitions() = default;

  /// The XML header.
  virtual std::string xml() const = 0;
  virtual std::uint64_t acquisitions() const = 0;

  /// Heads [first, first + out.size()).
  virtual void read_heads(std::uint64_t first,
                          std::span<ISMRMRD::ISMRMRD_AcquisitionHeader> out) const = 0;

  /// Whole records, held until the next call or destruction.
  virtual std::span<StoredAcquisition const> read(std::uint64_t first, std::uint64_t count) = 0;
};

/// By the first bytes of the file: HDF5, else an MRD stream. Throws FormatError as IsmrmrdFile and
/// MrdCapture do.
std::unique_ptr<Acquisitions> open_acquisitions(std::filesystem::path const& path);

/// fn(at, head) for every acquisition, in the order of the file.
template <class Function>
void for_each_head(Acquisitions const& file, Function const& fn) {
  constexpr std::uint64_t kHeadsAtOnce = 4096;
  std::vector<ISMRMRD::ISMRMRD_AcquisitionHeader> heads;
  for (std::uint64_t at = 0; at < file.acquisitions(); at += heads.size()) {
    heads.resize(std::min(kHeadsAtOnce, file.acquisitions() - at));
    file.read_heads(at, heads);
    for (std::size_t i = 0; i < heads.size(); ++i) fn(at + i, heads[i]);
  }
}

}  // namespace chistream
