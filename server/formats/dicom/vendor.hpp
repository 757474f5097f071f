/// What each scanner maker means: which part an image is, what its phase is stored in, which way
/// it turns. docs/gateway.md holds the table with its sources.
#pragma once

#include <dcmtk/dcmdata/dcitem.h>

#include <string>
#include <vector>

#include "qsm/v1/dicom_source.pb.h"

namespace chistream::dicom {

enum class Vendor { kSiemens, kGe, kPhilips, kOther };

Vendor vendor_of(DcmItem& dataset);
std::string vendor_name(Vendor vendor);

/// By Complex Image Component, GE's private image kind (0043,102F), else the tokens of Image Type
/// or Frame Type. Unspecified for what is none of the four.
qsm::v1::ImagePart part_of(Vendor vendor, DcmItem& dataset, std::string const& complex_component,
                           std::vector<std::string> const& image_type);

/// How a stored number is encoded.
struct StoredPixels {
  unsigned bits = 16;
  bool is_signed = false;
  double slope = 1;
  double intercept = 0;
  bool rescaled = false;  // slope and intercept stand in the file
};

struct LinearScale {
  double scale = 1;
  double offset = 0;
};

/// value = scale * stored + offset is the phase in rad. Decided by the range that the tags allow,
/// never by the range of the data: a volume that does not wrap would be stretched. Recognised:
/// slope and intercept that reach pi (rad), 3141..3143 (mrad), 4096 (Siemens) or 180 (degrees);
/// without them 0..2^bits - 1 of Siemens is one turn, and whole numbers of GE are mrad.
/// Throws FormatError PHASE_UNITS_UNKNOWN.
LinearScale phase_scale(Vendor vendor, StoredPixels const& stored);

/// `stored.slope` is not 0. For magnitude, real and imaginary part: rescaled; of Philips, the
/// floating point value behind the rescaling (`scale_slope` is (2005,100E), 0 if unknown), so that
/// echoes stored with different factors compare.
LinearScale magnitude_scale(Vendor vendor, StoredPixels const& stored, double scale_slope);

/// +1 or -1 multiplies the phase, so that paramagnetic tissue has a higher frequency.
int phase_sign(Vendor vendor);

/// Echoes and slices that the whole exam has, where the scanner says so; else 0.
struct DeclaredCounts {
  std::uint32_t echoes = 0;
  std::uint32_t slices = 0;
};
DeclaredCounts declared_counts(Vendor vendor, DcmItem& dataset);

}  // namespace chistream::dicom
