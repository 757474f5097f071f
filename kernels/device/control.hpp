/// Progress up, cancellation down: what a long computation shares with whoever started it.
#pragma once

#include <functional>
#include <stop_token>

#include "device/error.hpp"

namespace qsm {

struct IterationProgress {
  int iteration = 0;      // from 1
  int max_iterations = 0;
  double residual = 0;    // relative change of the iterate
};

struct Control {
  std::stop_token stop;
  std::function<void(IterationProgress)> on_iteration;  // may be empty

  /// Throws Error{kCancelled}. Called between stages and between iterations.
  void check_cancelled() const {
    if (stop.stop_requested())
      throw Error(ErrorCode::kCancelled, "CANCELLED", "the reconstruction was cancelled");
  }
  void report(IterationProgress p) const {
    check_cancelled();
    if (on_iteration) on_iteration(p);
  }
};

}  // namespace qsm
