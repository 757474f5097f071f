/// The echoes of a scan as one argument of a point kernel.
#pragma once

#include <string>
#include <vector>

#include "device/error.hpp"
#include "device/field.hpp"

namespace qsm {

inline constexpr std::size_t kMaxEchoes = 32;

/// One pointer per echo, all of one grid.
struct EchoFields {
  float const* data[kMaxEchoes] = {};
  int count = 0;
};

struct EchoTimes {
  double s[kMaxEchoes] = {};
};

/// Throws Error{kInvalidArgument}: ECHO_COUNT unless there are 1 to 32 fields, one per echo time.
inline EchoFields echo_fields(std::vector<Field<float const>> const& fields,
                              std::vector<double> const& te_s) {
  require(!fields.empty() && fields.size() <= kMaxEchoes && fields.size() == te_s.size(),
          "ECHO_COUNT",
          std::to_string(fields.size()) + " volumes for " + std::to_string(te_s.size()) +
              " echo times; 1 to " + std::to_string(kMaxEchoes) + " of each are accepted");
  EchoFields echoes;
  for (auto const& field : fields) echoes.data[echoes.count++] = field.data;
  return echoes;
}

/// Throws Error{kInvalidArgument, "ECHO_TIMES"} unless they are positive and strictly increase.
inline EchoTimes echo_times(std::vector<double> const& te_s) {
  EchoTimes times;
  for (std::size_t e = 0; e < te_s.size(); ++e) {
    require(te_s[e] > (e == 0 ? 0.0 : te_s[e - 1]), "ECHO_TIMES",
            "echo time " + std::to_string(e + 1) + " is " + std::to_string(te_s[e]) +
                " s; echo times must be positive and increase");
    times.s[e] = te_s[e];
  }
  return times;
}

}  // namespace qsm
