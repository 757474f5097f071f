#include <nifti1_io.h>

#include <cmath>
#include <cstring>

#include "formats/format_error.hpp"
#include "formats/nifti.hpp"
#include "formats/nifti_geometry.hpp"

namespace chistream {

namespace {

constexpr std::uint32_t kMaxAxis = 4096;
constexpr std::uint64_t kMaxVoxels = 1ull << 31;

float finite_or(float value, float fallback) {
  return std::isfinite(value) ? value : fallback;
}

/// Millimetres per unit of the file; an unknown unit is taken for millimetres, as everybody does.
float millimetres(nifti_1_header const& h) {
  switch (XYZT_TO_SPACE(h.xyzt_units)) {
    case NIFTI_UNITS_METER:
      return 1000;
    case NIFTI_UNITS_MICRON:
      return 0.001F;
    default:
      return 1;
  }
}

mat44 affine(nifti_1_header const& h) {
  mat44 ras{};
  if (h.sform_code > 0) {
    for (int j = 0; j < 4; ++j) {
      ras.m[0][j] = h.srow_x[j];
      ras.m[1][j] = h.srow_y[j];
      ras.m[2][j] = h.srow_z[j];
    }
  } else if (h.qform_code > 0) {
    float const handedness = h.pixdim[0] < 0 ? -1.0F : 1.0F;
    ras = nifti_quatern_to_mat44(h.quatern_b, h.quatern_c, h.quatern_d, h.qoffset_x, h.qoffset_y,
                                 h.qoffset_z, h.pixdim[1], h.pixdim[2], h.pixdim[3], handedness);
  } else {
    for (int j = 0; j < 3; ++j) ras.m[j][j] = h.pixdim[j + 1];
  }
  float const unit = millimetres(h);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 4; ++j) ras.m[i][j] *= unit;
  ras.m[3][3] = 1;
  return ras;
}

NiftiInfo parse(nifti_1_header const& h) {
  NiftiInfo info;
  info.size.fill(1);
  if (h.dim[0] < 3 || h.dim[0] > 7)
    throw FormatError("NIFTI_DIMENSIONS",
                      "the NIfTI file has " + std::to_string(h.dim[0]) + " dimensions, not 3 to 5");
  for (std::size_t j = 0; j < static_cast<std::size_t>(h.dim[0]); ++j) {
    int const n = h.dim[j + 1];
    if (n < 1 || static_cast<std::uint32_t>(n) > kMaxAxis || (j >= 5 && n != 1))
      throw FormatError("NIFTI_DIMENSIONS", "NIfTI dimension " + std::to_string(j + 1) + " is " +
                                                std::to_string(n) + ", not 1 to " +
                                                std::to_string(j < 5 ? kMaxAxis : 1));
    if (j < 5) info.size[j] = static_cast<std::uint32_t>(n);
  }
  if (info.voxels() > kMaxVoxels)
    throw FormatError("NIFTI_DIMENSIONS", "a NIfTI volume of " + std::to_string(info.voxels()) +
                                              " voxels is more than 2^31");
  qsm::v1::Matrix matrix;
  matrix.set_x(info.size[0]);
  matrix.set_y(info.size[1]);
  matrix.set_z(info.size[2]);
  info.geometry = geometry_of(affine(h), matrix);
  info.slope = finite_or(h.scl_slope, 0) == 0 ? 1 : h.scl_slope;
  info.intercept = finite_or(h.scl_slope, 0) == 0 ? 0 : finite_or(h.scl_inter, 0);
  info.integer = h.datatype != NIFTI_TYPE_FLOAT32 && h.datatype != NIFTI_TYPE_FLOAT64;
  info.oriented = h.sform_code > 0 || h.qform_code > 0;
  return info;
}

template <class Stored>
void convert(std::vector<std::byte> const& bytes, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored value;
    std::memcpy(&value, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    out[i] = static_cast<float>(value);
  }
}

using Converter = void (*)(std::vector<std::byte> const&, std::span<float>);

Converter converter(int datatype) {
  switch (datatype) {
    case NIFTI_TYPE_UINT8:
      return convert<std::uint8_t>;
    case NIFTI_TYPE_INT8:
      return convert<std::int8_t>;
    case NIFTI_TYPE_INT16:
      return convert<std::int16_t>;
    case NIFTI_TYPE_UINT16:
      return convert<std::uint16_t>;
    case NIFTI_TYPE_INT32:
      return convert<std::int32_t>;
    case NIFTI_TYPE_UINT32:
      return convert<std::uint32_t>;
    case NIFTI_TYPE_FLOAT32:
      return convert<float>;
    case NIFTI_TYPE_FLOAT64:
      return convert<double>;
    default:
      throw FormatError("NIFTI_TYPE_UNSUPPORTED",
                        "NIfTI data type " + std::to_string(datatype) + " is not a real number",
                        "store magnitude and phase as two real images");
  }
}

}  // namespace

struct NiftiReader::File {
  znzFile file = nullptr;
  long data_offset = 0;
  std::size_t value_bytes = 0;
  bool swapped = false;
  Converter to_float = nullptr;
  std::vector<std::byte> raw;  // one volume as stored

  ~File() {
    if (file != nullptr) znzclose(file);
  }
};

NiftiReader::~NiftiReader() = default;
NiftiReader::NiftiReader(NiftiReader&&) noexcept = default;

NiftiReader::NiftiReader(std::filesystem::path const& path) : file_(std::make_unique<File>()) {
  file_->file = znzopen(path.c_str(), "rb", path.extension() == ".gz");
  if (znz_isnull(file_->file))
    throw FormatError("FILE_UNREADABLE",
                      "a NIfTI file cannot be opened: " + path.filename().string());
  nifti_1_header h{};
  bool const whole = znzread(&h, 1, sizeof(h), file_->file) == sizeof(h);
  file_->swapped = whole && (h.dim[0] < 1 || h.dim[0] > 7);
  if (file_->swapped) swap_nifti_header(&h, 1);
  if (!whole || h.sizeof_hdr != sizeof(h) || std::memcmp(h.magic, "n+1", 4) != 0)
    throw FormatError("NIFTI_BAD_HEADER",
                      "not a single-file NIfTI-1 image: " + path.filename().string(),
                      "convert it to NIfTI-1 (.nii or .nii.gz)");
  info_ = parse(h);
  file_->to_float = converter(h.datatype);
  int value_bytes = 0;
  int swap_size = 0;
  nifti_datatype_sizes(h.datatype, &value_bytes, &swap_size);
  file_->value_bytes = static_cast<std::size_t>(value_bytes);
  if (!(h.vox_offset >= static_cast<float>(sizeof(h)) && h.vox_offset < 1e8F))
    throw FormatError("NIFTI_BAD_HEADER",
                      "the NIfTI data cannot begin at byte " + std::to_string(h.vox_offset));
  file_->data_offset = static_cast<long>(h.vox_offset);
  rewind();
}

void NiftiReader::rewind() {
  if (znzseek(file_->file, file_->data_offset, SEEK_SET) < 0)
    throw FormatError("NIFTI_TRUNCATED", "the NIfTI file ends before its data");
}

void NiftiReader::read_volume(std::span<float> out, bool scaled) {
  std::size_t const bytes = info_.voxels() * file_->value_bytes;
  file_->raw.resize(bytes);
  std::size_t const n = znzread(file_->raw.data(), 1, bytes, file_->file);
  if (n != bytes)
    throw FormatError("NIFTI_TRUNCATED", "a NIfTI volume stops after " + std::to_string(n) +
                                             " of " + std::to_string(bytes) + " bytes");
  if (file_->swapped && file_->value_bytes > 1)
    nifti_swap_Nbytes(info_.voxels(), static_cast<int>(file_->value_bytes), file_->raw.data());
  file_->to_float(file_->raw, out);
  if (scaled && (info_.slope != 1 || info_.intercept != 0))
    for (float& value : out) value = value * info_.slope + info_.intercept;
}

NiftiImage read_nifti(std::filesystem::path const& path) {
  NiftiReader reader(path);
  std::size_t const voxels = reader.info().voxels();
  NiftiImage image{reader.info(), {}};
  for (std::size_t v = 0; v < image.info.volumes(); ++v) {
    image.values.resize((v + 1) * voxels);  // grows with what is there, not with what is promised
    reader.read_volume(std::span(image.values).subspan(v * voxels, voxels));
  }
  return image;
}

}  // namespace chistream
