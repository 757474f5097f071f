#include "formats/acquisitions.hpp"

#include <array>
#include <cstring>
#include <fstream>

#include "formats/ismrmrd/capture.hpp"
#include "formats/ismrmrd/hdf5.hpp"

namespace chistream {

std::unique_ptr<Acquisitions> open_acquisitions(std::filesystem::path const& path) {
  constexpr std::array<char, 4> kHdf5{'\x89', 'H', 'D', 'F'};
  std::array<char, 4> first{};
  std::ifstream(path, std::ios::binary).read(first.data(), first.size());
  // An MRD stream begins with a small number; what is neither is told by the HDF5 reader.
  bool const stream = first[1] == 0 && first[0] > 0 && first[0] <= 5;
  if (first != kHdf5 && stream) return std::make_unique<MrdCapture>(path);
  return std::make_unique<IsmrmrdFile>(path);
}

}  // namespace chistream
