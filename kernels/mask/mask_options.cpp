#include "mask/mask_options.hpp"

#include <string>

#include "device/error.hpp"

namespace qsm {

void validate(MaskOptions const& o) {
  auto const within = [](char const* name, double value, double low, double high) {
    require(value >= low && value <= high, "OPTION_OUT_OF_RANGE",
            std::string(name) + " is " + std::to_string(value) + "; " + std::to_string(low) +
                " to " + std::to_string(high) + " is accepted");
  };
  within("threshold_factor", o.threshold_factor, 0.01, 100);
  within("max_hole_fraction", o.max_hole_fraction, 0, 1);
  within("opening_mm", o.opening_mm, 0, 50);
  within("fractional_intensity", o.fractional_intensity, 0.05, 0.95);
  within("erode_mm", o.erode_mm, 0, 50);
}

}  // namespace qsm
