/// Complex float with the layout of fftwf_complex and cufftComplex, and arithmetic that g++ and nvcc
/// evaluate alike (no libm call, no NaN recovery as in std::complex).
#pragma once

#include "device/grid.hpp"

namespace qsm {

struct alignas(8) Complex {
  float re = 0, im = 0;
};

QSM_HD Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
QSM_HD Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
QSM_HD Complex operator*(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
QSM_HD Complex operator*(float s, Complex a) { return {s * a.re, s * a.im}; }
QSM_HD Complex conj(Complex a) { return {a.re, -a.im}; }
QSM_HD float norm(Complex a) { return a.re * a.re + a.im * a.im; }  // |a|^2

}  // namespace qsm
