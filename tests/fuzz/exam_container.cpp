// Exam header, records and samples. A checksum would turn nearly every mutation away at the door,
// so the input is the records without theirs: {type u8, length u16, payload}, and the container is
// built of them, whole; an odd first byte breaks it in one place instead.
#include <google/protobuf/stubs/logging.h>

#include <cstring>

#include "container/framing.hpp"
#include "formats/format_error.hpp"
#include "formats/inspect.hpp"
#include "scratch_file.hpp"

namespace {

using qsm::container::RecordHead;

std::vector<std::uint8_t> container_of(std::span<std::uint8_t const> input) {
  std::vector<std::uint8_t> bytes(std::begin(qsm::container::kMagic),
                                  std::end(qsm::container::kMagic));
  while (input.size() >= 3) {
    std::size_t const length =
        std::min<std::size_t>(input[1] | std::size_t{input[2]} << 8, input.size() - 3);
    auto const payload = input.subspan(3, length);
    RecordHead const head{input[0], qsm::container::crc32c(std::as_bytes(payload)), length};
    auto const* raw = reinterpret_cast<std::uint8_t const*>(&head);
    bytes.insert(bytes.end(), raw, raw + sizeof(head));
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    input = input.subspan(3 + length);
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace chistream;
  if (size < 2) return 0;
  auto bytes = container_of({data + 2, size - 2});
  if (data[0] % 2 == 1) bytes[data[1] * bytes.size() / 256] ^= data[0];
  fuzz::ScratchFile const file(bytes);
  try {
    inspect(ContainerReader(file.path()), 1);
  } catch (FormatError const&) {
  }
  return 0;
}
