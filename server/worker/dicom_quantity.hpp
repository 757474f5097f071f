/// What the pixels of each series mean: unit, coded quantity, rescale, real world values, window.
///
/// Every series stores signed 16-bit integers whose rescale slope is 1, in a unit that makes that
/// fine enough (ppb, 1/s, thousandths), so that a viewer shows the right number whether or not it
/// applies the rescale; the real world value mapping gives the coded unit. The magnitude alone has
/// no unit, and is scaled to its range.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "qsm/v1/job.pb.h"
#include "worker/dicom_dataset.hpp"

namespace chistream {

struct DicomWindow {
  double centre;
  double width;
  char const* explanation;
};

struct DicomQuantity {
  char const* image_type = "";   // fourth value of Image Type
  char const* title = "";        // "QSM [ppb]": how descriptions begin
  char const* label = "";        // of the real world values, at most 16 characters
  char const* stored_unit = "";  // Rescale Type
  double stored_per_unit = 0;    // pixel values per `unit`; 0: the range is filled
  DicomCode unit;                // of the values given, in UCUM
  DicomCode quantity;
  bool standard_deviation = false;   // of the quantity, rather than itself
  std::vector<DicomWindow> windows;  // empty: 0 to the 99th percentile of what is not zero
};

DicomQuantity const& dicom_quantity(qsm::v1::SeriesKind kind);

inline constexpr int kMaxStored = 32767;  // the range is symmetric: -32768 is never written

/// A volume as it is stored.
struct StoredPixels {
  std::vector<std::int16_t> values;
  double per_unit = 1;  // stored = per_unit * value
  std::int16_t lowest = 0;
  std::int16_t highest = 0;
  std::uint64_t saturated = 0;  // beyond the range, stored at its limit
};

/// Throws Error{kInvalidArgument, "NON_FINITE_VALUE"}.
StoredPixels to_stored(DicomQuantity const& quantity, std::span<float const> values);

/// The windows of a quantity, or one that fits `stored`.
std::vector<DicomWindow> windows_of(DicomQuantity const& quantity, StoredPixels const& stored);

/// What a pixel value v of this series is in the coded unit: slope x v, in [first, last].
struct RealWorldRange {
  double slope;
  double first;
  double last;
  bool integers;  // the pixels are signed 16-bit integers; else floating point
};
void put_real_world_values(DcmItem& item, DicomQuantity const& quantity,
                           RealWorldRange const& range);

/// Of codes that the standard does not have.
inline constexpr char kOwnScheme[] = "99CHISTREAM";

/// Says whose scheme that is.
void declare_own_scheme(DcmItem& dataset);

/// The same, where the code of the quantity is our own.
void put_coding_schemes(DcmItem& dataset, DicomQuantity const& quantity);

/// Pixel units, window presets, the real world value mapping, and the extremes of the whole series,
/// the same in every image: some viewers take their window from them.
void put_quantity(DcmItem& item, DicomQuantity const& quantity, StoredPixels const& stored);

}  // namespace chistream
