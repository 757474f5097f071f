/// What the pixels mean and how they came to be: rescale, real world values, window, derivation,
/// contributing equipment.
#pragma once

#include <cstdint>

#include "worker/dicom_series.hpp"

class DcmItem;

namespace chistream {

inline constexpr int kMaxPpb = 32767;  // stored range is symmetric: -32768 is never written

/// Pixel units, window presets and the real world value mapping (ppm, UCUM).
void put_quantity(DcmItem& item);

/// Series-wide extremes, the same in every image: some viewers take their window from them.
void put_extremes(DcmItem& item, std::int16_t lowest, std::int16_t highest);

/// Derivation, the reconstruction software and, where known, the scanner.
void put_derivation(DcmItem& item, SeriesDescription const& series);

}  // namespace chistream
