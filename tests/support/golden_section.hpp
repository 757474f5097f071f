/// Minimum of a function with one minimum in a bracket, to about the square root of the precision.
#pragma once

namespace qsm::oracle {

template <class F>
double golden_section(double low, double high, F f) {
  constexpr double kRatio = 0.6180339887498949;
  double a = high - kRatio * (high - low), b = low + kRatio * (high - low);
  double fa = f(a), fb = f(b);
  for (int k = 0; k < 80; ++k) {
    if (fa < fb) {
      high = b;
      b = a;
      fb = fa;
      a = high - kRatio * (high - low);
      fa = f(a);
    } else {
      low = a;
      a = b;
      fa = fb;
      b = low + kRatio * (high - low);
      fb = f(b);
    }
  }
  return (low + high) / 2;
}

}  // namespace qsm::oracle
