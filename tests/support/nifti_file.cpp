#include "support/nifti_file.hpp"

#include <zlib.h>

#include <cmath>
#include <cstring>
#include <stdexcept>

namespace qsm::test {
namespace {

std::vector<char> read_all(std::string const& path) {
  gzFile const file = gzopen(path.c_str(), "rb");  // reads plain files too
  if (!file) throw std::runtime_error("cannot open " + path);
  std::vector<char> bytes;
  std::vector<char> chunk(1 << 20);
  int got = 0;
  while ((got = gzread(file, chunk.data(), static_cast<unsigned>(chunk.size()))) > 0)
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + got);
  gzclose(file);
  if (got < 0) throw std::runtime_error("cannot decompress " + path);
  return bytes;
}

template <class T>
T at(std::vector<char> const& bytes, std::size_t offset) {
  T value;
  if (offset + sizeof(T) > bytes.size()) throw std::runtime_error("NIfTI file is too short");
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <class T>
void convert(std::vector<char> const& bytes, std::size_t offset, std::vector<float>& out) {
  for (std::size_t n = 0; n < out.size(); ++n)
    out[n] = static_cast<float>(at<T>(bytes, offset + n * sizeof(T)));
}

}  // namespace

NiftiVolume read_nifti(std::string const& path) {
  auto const bytes = read_all(path);
  if (at<std::int32_t>(bytes, 0) != 348)
    throw std::runtime_error(path + " is no little-endian NIfTI-1 file");
  auto const dim = [&](std::size_t d) {
    return static_cast<int>(at<std::int16_t>(bytes, 40 + 2 * d));
  };
  auto const spacing = [&](std::size_t d) {
    return static_cast<double>(at<float>(bytes, 76 + 4 * d));
  };
  NiftiVolume volume;
  volume.grid = {dim(1), dim(2), dim(3)};
  volume.nt = dim(0) >= 4 ? dim(4) : 1;
  volume.voxel_mm = {spacing(1), spacing(2), spacing(3)};
  volume.data.resize(volume.grid.size() * static_cast<std::size_t>(volume.nt));
  auto const offset = static_cast<std::size_t>(at<float>(bytes, 108));
  switch (auto const type = at<std::int16_t>(bytes, 70)) {
    case 2:
      convert<std::uint8_t>(bytes, offset, volume.data);
      break;
    case 4:
      convert<std::int16_t>(bytes, offset, volume.data);
      break;
    case 8:
      convert<std::int32_t>(bytes, offset, volume.data);
      break;
    case 16:
      convert<float>(bytes, offset, volume.data);
      break;
    case 64:
      convert<double>(bytes, offset, volume.data);
      break;
    case 512:
      convert<std::uint16_t>(bytes, offset, volume.data);
      break;
    default:
      throw std::runtime_error(path + " has data type " + std::to_string(type));
  }
  float const slope = at<float>(bytes, 112);
  float const intercept = at<float>(bytes, 116);
  if (slope != 0)
    for (float& v : volume.data) v = slope * v + intercept;
  return volume;
}

std::vector<std::uint8_t> NiftiVolume::as_mask() const {
  std::vector<std::uint8_t> mask(data.size());
  for (std::size_t n = 0; n < mask.size(); ++n) mask[n] = data[n] != 0 ? 1 : 0;
  return mask;
}

std::vector<std::uint8_t> NiftiVolume::as_labels() const {
  std::vector<std::uint8_t> labels(data.size());
  for (std::size_t n = 0; n < labels.size(); ++n)
    labels[n] = static_cast<std::uint8_t>(std::lround(data[n]));
  return labels;
}

}  // namespace qsm::test
