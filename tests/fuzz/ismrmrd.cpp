// The ISMRMRD reader. Even first byte: the rest is the XML header. Odd: it is the whole HDF5 file.
#include "formats/container_writer.hpp"
#include "formats/format_error.hpp"
#include "formats/ismrmrd_reader.hpp"
#include "formats/ismrmrd_xml.hpp"
#include "scratch_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace chistream;
  if (size < 1) return 0;
  try {
    if (data[0] % 2 == 0) {
      exam_header_of(parse_ismrmrd_xml({reinterpret_cast<char const*>(data + 1), size - 1}));
    } else {
      fuzz::ScratchFile const file({data + 1, size - 1});
      ContainerWriter writer([](std::span<std::byte const>) {});
      read_ismrmrd(file.path(), {}, writer);
    }
  } catch (FormatError const&) {
  }
  return 0;
}
