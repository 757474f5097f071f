#include "store/random_id.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "container/sha256.hpp"

namespace chistream {

std::string random_id() {
  std::array<unsigned char, 16> bits;  // up to 256 bytes come in one piece
  if (::getrandom(bits.data(), bits.size(), 0) != static_cast<ssize_t>(bits.size()))
    throw std::system_error(errno, std::generic_category(), "getrandom");
  return qsm::container::hex(bits);
}

}  // namespace chistream
