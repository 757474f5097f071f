/// Writes an exam as an ISMRMRD data set (HDF5), the exchange format of raw k-space.
#pragma once

#include <complex>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "container/framing.hpp"
#include "qsm/v1/acquisition.pb.h"

namespace chistream {

/// Creates `path` (replacing it) with the XML header that belongs to `header`; acquisition() then
/// appends one k-space line at a time, written in blocks of 16 MiB. finish() must be called: it
/// writes what is left and throws what a destructor could not.
///
/// The field of view is voxel size times matrix; along an axis with a larger encoded matrix it is
/// larger in proportion (oversampling). Every acquisition carries the position of the volume's
/// centre, voxel floor(N/2), and its three directions (LPS). Throws FormatError FILE_UNWRITABLE;
/// std::invalid_argument if `header` is not one of k-space.
class IsmrmrdWriter {
 public:
  IsmrmrdWriter(std::filesystem::path const& path, qsm::v1::ExamHeader const& header);
  ~IsmrmrdWriter();

  /// As ContainerWriter::acquisition.
  void acquisition(qsm::container::AcquisitionHead const& head,
                   std::span<std::complex<float> const> samples);
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace chistream
