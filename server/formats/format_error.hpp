/// The one way in which input is refused: a stable name, a sentence with the numbers, a way out.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace chistream {

/// Input that cannot be used. `reason` is UPPER_SNAKE_CASE and stable, what() is one sentence with
/// the numbers and without patient data, `hint` says what the user can do (may be empty). The three
/// travel as qsm.v1.ErrorDetail.
class FormatError : public std::runtime_error {
 public:
  FormatError(std::string reason, std::string const& message, std::string hint = {})
      : std::runtime_error(message), reason_(std::move(reason)), hint_(std::move(hint)) {}
  std::string const& reason() const { return reason_; }
  std::string const& hint() const { return hint_; }

 private:
  std::string reason_;
  std::string hint_;
};

}  // namespace chistream
