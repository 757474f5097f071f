/// Writes an exam container (proto/container/framing.hpp) record by record, holding none of it.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "container/framing.hpp"
#include "qsm/v1/acquisition.pb.h"

namespace chistream {

/// Receives the bytes of a container, in order, in pieces of any size.
using ByteSink = std::function<void(std::span<std::byte const>)>;

/// Call header() once, then acquisition() or image_block() per record, then end().
///
/// The same calls give the same bytes, so that a container made twice from one input has one
/// digest. Cost: one CRC-32C over the payload; samples are handed to the sink without a copy.
/// Throws std::logic_error when a record does not have the size its head announces.
class ContainerWriter {
 public:
  explicit ContainerWriter(ByteSink sink) : sink_(std::move(sink)) {}

  void header(qsm::v1::ExamHeader const& header);

  /// `samples`: head.coils x head.samples, sample fastest.
  void acquisition(qsm::container::AcquisitionHead const& head,
                   std::span<std::complex<float> const> samples);

  /// One volume, x fastest: magnitude, or phase [rad].
  void image_block(qsm::container::ImageBlockHead const& head, std::span<float const> volume);

  /// One complex volume, x fastest.
  void image_block(qsm::container::ImageBlockHead const& head,
                   std::span<std::complex<float> const> volume);

  /// Writes the end record, with what showed only after the header was written; returns the size of
  /// the whole container in bytes.
  std::uint64_t end(std::vector<std::string> const& warnings = {});

 private:
  void record(qsm::container::RecordType type, std::span<std::byte const> head,
              std::span<std::byte const> body);
  void block(qsm::container::ImageBlockHead const& head, std::span<std::byte const> body);

  ByteSink sink_;
  std::uint64_t bytes_ = 0;
  std::uint64_t acquisitions_ = 0;
  std::uint64_t image_blocks_ = 0;
};

}  // namespace chistream
