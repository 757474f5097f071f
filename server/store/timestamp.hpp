/// Wall-clock times as the API carries them. Waiting is done on the monotonic clock instead.
#pragma once

#include <chrono>
#include <cstdint>

#include "google/protobuf/timestamp.pb.h"

namespace chistream {

inline google::protobuf::Timestamp timestamp_from_ms(std::int64_t ms) {
  google::protobuf::Timestamp time;
  time.set_seconds(ms / 1000);
  time.set_nanos(static_cast<std::int32_t>(ms % 1000) * 1'000'000);
  return time;
}

inline google::protobuf::Timestamp timestamp_now() {
  auto const since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return timestamp_from_ms(
      std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
}

}  // namespace chistream
