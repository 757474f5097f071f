/// Non-owning view of a volume on a device; trivially copyable, passed to point kernels by value.
#pragma once

#include <type_traits>

#include "device/grid.hpp"

namespace qsm {

template <class T>
struct Field {
  T* data = nullptr;
  Grid grid;

  QSM_HD T& operator[](Index3 i) const { return data[grid.linear(i)]; }
  QSM_HD std::size_t size() const { return grid.size(); }
  QSM_HD explicit operator bool() const { return data != nullptr; }

  /// Field<T> is also a Field<T const>.
  template <class U>
    requires(std::is_same_v<U, T const> && !std::is_const_v<T>)
  QSM_HD operator Field<U>() const {
    return {data, grid};
  }
};

}  // namespace qsm
