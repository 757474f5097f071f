#include "worker/gzip.hpp"

#include <isa-l/igzip_lib.h>

#include <stdexcept>
#include <vector>

namespace chistream {

std::string gzip(std::string_view bytes) {
  std::vector<std::uint8_t> work(ISAL_DEF_LVL1_EXTRA_LARGE);
  isal_zstream stream;
  isal_deflate_init(&stream);
  stream.level = 1;
  stream.level_buf = work.data();
  stream.level_buf_size = static_cast<std::uint32_t>(work.size());
  stream.gzip_flag = IGZIP_GZIP;

  // The counters of a stream have 32 bits, so a large volume goes in pieces.
  constexpr std::size_t kPiece = 1u << 26;
  constexpr std::size_t kLeastRoom = 1u << 16;
  std::string out;
  std::size_t written = 0;
  for (std::size_t at = 0; stream.internal_state.state != ZSTATE_END;) {
    if (stream.avail_in == 0 && at < bytes.size()) {
      std::size_t const n = std::min(kPiece, bytes.size() - at);
      stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data() + at));
      stream.avail_in = static_cast<std::uint32_t>(n);
      at += n;
    }
    stream.end_of_stream = at == bytes.size();
    if (out.size() - written < kLeastRoom) out.resize(out.size() + bytes.size() / 4 + kLeastRoom);
    auto const room = static_cast<std::uint32_t>(out.size() - written);
    stream.next_out = reinterpret_cast<std::uint8_t*>(out.data() + written);
    stream.avail_out = room;
    if (isal_deflate(&stream) != COMP_OK) throw std::runtime_error("gzip failed");
    written += room - stream.avail_out;
  }
  out.resize(written);
  return out;
}

}  // namespace chistream
