// The NIfTI reader on any bytes: a volume of finite or not finite numbers, or a named refusal.
#include "formats/nifti.hpp"

#include <vector>

#include "formats/format_error.hpp"
#include "scratch_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace chistream;
  fuzz::ScratchFile const file({data, size});
  try {
    NiftiReader reader(file.path());
    if (reader.info().voxels() > (1u << 20)) return 0;  // memory, not the reader, is the limit
    std::vector<float> volume(reader.info().voxels());
    for (std::size_t i = 0; i < reader.info().volumes() && i < 4; ++i) reader.read_volume(volume);
  } catch (FormatError const&) {
  }
  return 0;
}
