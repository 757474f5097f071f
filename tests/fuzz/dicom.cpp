// The DICOM side. By the first byte, the rest is a whole file, or what the receivers noted of
// several (lengths of one byte pair, then qsm.v1.DicomInstance), to be sorted into exams.
#include <cstring>

#include "formats/container_writer.hpp"
#include "formats/dicom/dicom_reader.hpp"
#include "formats/dicom/instance.hpp"
#include "formats/dicom/pixels.hpp"
#include "formats/format_error.hpp"
#include "scratch_file.hpp"

namespace {

using namespace chistream;
using Bytes = std::span<std::uint8_t const>;

// DCMTK descends as deep as sequences are nested, which a process of its own must bear.
constexpr std::size_t kMaxFile = 32u << 10;

void read_file(Bytes bytes) {
  if (bytes.size() > kMaxFile) return;
  fuzz::ScratchFile const file(bytes);
  dicom::FolderContents contents;
  contents.files.push_back({file.path(), dicom::describe(file.path())});
  ContainerWriter out([](std::span<std::byte const>) {});
  dicom::read_dicom(dicom::only_exam(contents), {}, out);
}

void sort(Bytes bytes) {
  std::vector<dicom::SourceFile> files;
  while (bytes.size() > 2) {
    std::uint16_t length;
    std::memcpy(&length, bytes.data(), sizeof(length));
    auto const body = bytes.subspan(2, std::min<std::size_t>(length, bytes.size() - 2));
    dicom::SourceFile file;
    if (file.facts.ParseFromArray(body.data(), static_cast<int>(body.size())))
      files.push_back(std::move(file));
    bytes = bytes.subspan(2 + body.size());
  }
  dicom::sort_into_exams(files);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  dicom::register_codecs();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 1) return 0;
  Bytes const rest{data + 1, size - 1};
  try {
    if (data[0] % 2 == 0)
      read_file(rest);
    else
      sort(rest);
  } catch (FormatError const&) {
  }
  return 0;
}
