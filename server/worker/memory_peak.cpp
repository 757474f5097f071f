#include "worker/memory_peak.hpp"

#include <fstream>
#include <string>

namespace chistream {

void reset_memory_peak() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

std::uint64_t memory_peak() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      std::uint64_t kib = 0;
      status >> kib;
      return kib << 10;
    }
  return 0;
}

}  // namespace chistream
