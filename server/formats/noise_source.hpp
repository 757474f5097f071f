/// Where the noise scan of raw data is.
#pragma once

#include <filesystem>

namespace chistream {

struct NoiseSource {
  bool whiten = true;          // by the exam's own noise lines, where it has some
  std::filesystem::path file;  // an ISMRMRD file whose noise lines stand in their place
};

}  // namespace chistream
