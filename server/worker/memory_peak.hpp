/// Most memory this process held.
#pragma once

#include <cstdint>

namespace chistream {

/// Starts the count again, where the kernel permits (/proc/self/clear_refs); else the peak is that
/// of the process's whole life.
void reset_memory_peak();

std::uint64_t memory_peak();  // VmHWM in bytes, which counts mapped input too

}  // namespace chistream
