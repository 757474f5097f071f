/// What an ISMRMRD data set and an MRD stream have in common: how acquisitions become an exam.
#pragma once

#include <ismrmrd/xml.h>

#include <complex>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "formats/acquisitions.hpp"
#include "formats/container_writer.hpp"
#include "formats/ismrmrd/lines.hpp"
#include "formats/ismrmrd/noise.hpp"
#include "formats/whitening.hpp"

namespace chistream {

LinePlacement placement_of(ISMRMRD::Encoding const& encoding, qsm::v1::Matrix const& encoded);

/// What the heads of the acquisitions say together: the part of the exam header that no XML has.
class Survey {
 public:
  explicit Survey(LinePlacement const& placement) : placement_(placement) {}

  /// The acquisition `at` of the scan. Throws FormatError for what cannot be part of an exam.
  void add(std::uint64_t at, ISMRMRD::ISMRMRD_AcquisitionHeader const& head);

  bool empty() const { return !first_; }  // of image data
  ISMRMRD::ISMRMRD_AcquisitionHeader const& first() const { return *first_; }
  std::vector<NoiseLine> const& noise() const { return noise_; }
  std::uint64_t lines() const { return lines_; }
  std::uint64_t largest_line() const { return largest_; }  // bytes

  /// A contrast came for the second time: whatever follows one excitation has been seen.
  bool train_is_whole() const { return train_is_whole_; }

  /// Whether the even echoes, and they alone, are read out against the odd ones.
  bool alternates() const;

  /// Channels, axes and position, polarity. Throws FormatError NO_IMAGING_LINES.
  void describe(qsm::v1::ExamHeader& header) const;

  /// Throws FormatError ECHO_COUNT_MISMATCH unless there are lines of every echo time.
  void check_echoes(qsm::v1::ExamHeader const& header) const;

  /// What was left out, and what is unusual.
  std::vector<std::string> warnings(qsm::v1::ExamHeader const& header) const;

 private:
  void check_same(ISMRMRD::ISMRMRD_AcquisitionHeader const& head) const;

  LinePlacement const& placement_;
  std::optional<ISMRMRD::ISMRMRD_AcquisitionHeader> first_;
  std::map<std::string, std::uint64_t> skipped_;
  std::vector<NoiseLine> noise_;
  std::set<std::uint32_t> forward_;  // contrasts by readout polarity
  std::set<std::uint32_t> reversed_;
  bool train_is_whole_ = false;
  std::uint32_t shortest_ = UINT32_MAX;
  std::uint64_t largest_ = 0;
  std::uint64_t lines_ = 0;
};

/// Puts lines in their place, white, into a container.
class LineWriter {
 public:
  LineWriter(LinePlacement const& placement, std::optional<Whitening> whitening,
             ContainerWriter& out)
      : placement_(placement), whitening_(std::move(whitening)), out_(out) {}

  /// Nothing for an acquisition that is no image data.
  void write(StoredAcquisition const& record);

 private:
  LinePlacement const& placement_;
  std::optional<Whitening> whitening_;
  ContainerWriter& out_;
  std::vector<std::complex<float>> samples_, white_;
};

}  // namespace chistream
