// MRD streams: their framing in pieces of any size, and the capture as an exam, read when it is
// whole and as it comes in.
#include "formats/container_writer.hpp"
#include "formats/format_error.hpp"
#include "formats/ismrmrd/ismrmrd_reader.hpp"
#include "formats/ismrmrd/live.hpp"
#include "formats/ismrmrd/messages.hpp"
#include "scratch_file.hpp"

namespace {

using namespace chistream;

// What messages are told must not depend on how the bytes were cut.
std::uint64_t follow(std::span<std::uint8_t const> bytes, std::size_t piece) {
  std::uint64_t told = 0;
  MrdMessages messages([&](MrdMessage const& message) {
    told = told * 31 + message.offset * 7 + message.size;
    if (message.offset + message.size > bytes.size()) std::abort();
  });
  try {
    for (std::size_t at = 0; at < bytes.size(); at += piece)
      messages.feed(std::as_bytes(bytes.subspan(at, std::min(piece, bytes.size() - at))));
  } catch (FormatError const&) {
  }
  return told;
}

bool accepted(std::function<void(ContainerWriter&)> const& read) try {
  ContainerWriter out([](std::span<std::byte const>) {});
  read(out);
  return true;
} catch (FormatError const&) {
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::span<std::uint8_t const> const bytes{data, size};
  if (follow(bytes, 7) != follow(bytes, 4096)) std::abort();
  fuzz::ScratchFile const file(bytes);
  bool const whole = accepted([&](ContainerWriter& out) { read_ismrmrd(file.path(), {}, out); });
  bool const live =
      accepted([&](ContainerWriter& out) { read_live_mrd(GrowingFile(file.path(), ""), out); });
  if (live && !whole) std::abort();
  return 0;
}
