// The ISMRMRD reader. By the first byte, the rest is the XML header, a whole HDF5 file, or what
// acquisitions say of themselves, in a file that is well-formed otherwise.
#include <ismrmrd/dataset.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "formats/container_writer.hpp"
#include "formats/format_error.hpp"
#include "formats/ismrmrd/ismrmrd_reader.hpp"
#include "formats/ismrmrd/xml.hpp"
#include "scratch_file.hpp"

namespace {

using namespace chistream;
using Bytes = std::span<std::uint8_t const>;

void read(std::string const& path) {
  ContainerWriter writer([](std::span<std::byte const>) {});
  read_ismrmrd(path, {}, writer);
}

std::string valid_xml() {
  qsm::v1::ExamHeader header;
  header.set_content(qsm::v1::CONTENT_KIND_KSPACE);
  header.set_coils(2);
  header.set_b0_t(3);
  for (double const te_s : {0.005, 0.010}) header.add_te_s(te_s);
  auto& geometry = *header.mutable_geometry();
  for (auto* const matrix : {geometry.mutable_matrix(), header.mutable_encoded()}) {
    matrix->set_x(4);
    matrix->set_y(4);
    matrix->set_z(4);
  }
  geometry.mutable_voxel_mm()->set_x(2);
  geometry.mutable_voxel_mm()->set_y(2);
  geometry.mutable_voxel_mm()->set_z(2);
  geometry.mutable_x_direction_lps()->set_x(1);
  geometry.mutable_y_direction_lps()->set_y(1);
  geometry.mutable_z_direction_lps()->set_z(1);
  std::ostringstream xml;
  ISMRMRD::serialize(xml_header_of(header), xml);
  return xml.str();
}

class Fields {
 public:
  explicit Fields(Bytes bytes) : bytes_(bytes) {}
  bool left() const { return !bytes_.empty(); }
  template <class Number>
  Number next() {
    Number number{};
    std::size_t const n = std::min(sizeof(number), bytes_.size());
    std::memcpy(&number, bytes_.data(), n);
    bytes_ = bytes_.subspan(n);
    return number;
  }

 private:
  Bytes bytes_;
};

// A few acquisitions, each of which HDF5 takes some milliseconds to write.
void read_acquisitions(Bytes input) {
  static std::string const xml = valid_xml();
  static std::string const path = "/dev/shm/fuzz-" + std::to_string(::getpid()) + ".h5";
  std::filesystem::remove(path);
  {
    ISMRMRD::Dataset file(path.c_str(), "dataset", true);
    file.writeHeader(xml);
    Fields fields(input);
    for (int i = 0; i < 12 && fields.left(); ++i) {
      auto const shape = fields.next<std::uint8_t>();
      ISMRMRD::Acquisition line(static_cast<std::uint16_t>(shape % 16),
                                static_cast<std::uint16_t>(1 + shape / 16 % 4));
      auto const usual = fields.next<std::uint8_t>();
      line.idx().kspace_encode_step_1 = static_cast<std::uint16_t>(i % 4);
      line.idx().kspace_encode_step_2 = static_cast<std::uint16_t>(i / 4 % 4);
      line.idx().contrast = static_cast<std::uint16_t>(i / 16);
      line.center_sample() = 2;
      line.read_dir()[0] = line.phase_dir()[1] = line.slice_dir()[2] = 1;
      if (usual & 1) line.idx().kspace_encode_step_1 = fields.next<std::uint16_t>();
      if (usual & 2) line.idx().contrast = fields.next<std::uint8_t>();
      if (usual & 4) line.center_sample() = fields.next<std::uint16_t>();
      if (usual & 8) line.discard_pre() = fields.next<std::uint16_t>();
      if (usual & 16) line.discard_post() = fields.next<std::uint16_t>();
      if (usual & 32) line.setFlag(1 + fields.next<std::uint8_t>() % 64u);
      if (usual & 64) line.position()[fields.next<std::uint8_t>() % 3] = fields.next<float>();
      if (usual & 128) line.read_dir()[fields.next<std::uint8_t>() % 3] = fields.next<float>();
      file.appendAcquisition(line);
    }
  }
  read(path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 1) return 0;
  Bytes const rest{data + 1, size - 1};
  try {
    switch (data[0] % 3) {
      case 0:
        exam_header_of(
            parse_ismrmrd_xml({reinterpret_cast<char const*>(rest.data()), rest.size()}));
        break;
      case 1:
        read(fuzz::ScratchFile(rest).path());
        break;
      default:
        read_acquisitions(rest);
    }
  } catch (FormatError const&) {
  }
  return 0;
}
