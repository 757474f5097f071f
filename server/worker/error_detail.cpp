#include "worker/error_detail.hpp"

#include <iostream>
#include <new>

#include "container/framing.hpp"
#include "device/error.hpp"
#include "formats/format_error.hpp"

namespace chistream {

namespace {

char const* hint_of(qsm::ErrorCode code) {
  switch (code) {
    case qsm::ErrorCode::kInvalidArgument:
    case qsm::ErrorCode::kCancelled:
      return "";
    case qsm::ErrorCode::kOutOfMemory:
      return "use a device with more memory, or less padding (inversion.pad)";
    case qsm::ErrorCode::kDeviceFailure:
      return "try again; if it fails again, have the device and its driver checked";
    case qsm::ErrorCode::kNotConverged:
      return "check echo times, phase units and mask; inversion.alpha may be out of proportion";
  }
  return "";
}

bool is_retryable(qsm::ErrorCode code) {
  return code == qsm::ErrorCode::kOutOfMemory || code == qsm::ErrorCode::kDeviceFailure;
}

}  // namespace

qsm::v1::ErrorDetail to_error_detail(std::exception const& error, std::string const& stage) {
  qsm::v1::ErrorDetail detail;
  detail.set_stage(stage);
  detail.set_message(error.what());
  if (auto const* e = dynamic_cast<qsm::Error const*>(&error)) {
    detail.set_reason(e->reason());
    detail.set_retryable(is_retryable(e->code()));
    detail.set_hint(hint_of(e->code()));
  } else if (auto const* format = dynamic_cast<FormatError const*>(&error)) {
    detail.set_reason(format->reason());
    detail.set_hint(format->hint());
  } else if (auto const* framing = dynamic_cast<qsm::container::FramingError const*>(&error)) {
    detail.set_reason(framing->reason());
  } else if (dynamic_cast<std::bad_alloc const*>(&error)) {
    detail.set_reason("OUT_OF_MEMORY");
    detail.set_message("the host ran out of memory");
    detail.set_retryable(true);
  } else {
    std::cerr << "unexpected failure: " << error.what() << '\n';
    detail.set_reason("INTERNAL");
    detail.set_message("an unexpected failure; the worker's log has the details");
  }
  return detail;
}

int exit_code(std::exception const& error) {
  if (auto const* e = dynamic_cast<qsm::Error const*>(&error)) switch (e->code()) {
      case qsm::ErrorCode::kInvalidArgument:
        return 2;
      case qsm::ErrorCode::kDeviceFailure:
        return 3;
      case qsm::ErrorCode::kOutOfMemory:
        return 4;
      case qsm::ErrorCode::kCancelled:
        return 130;
      case qsm::ErrorCode::kNotConverged:
        return 1;
    }
  if (dynamic_cast<FormatError const*>(&error)) return 2;
  if (dynamic_cast<std::bad_alloc const*>(&error)) return 4;
  return 1;
}

}  // namespace chistream
