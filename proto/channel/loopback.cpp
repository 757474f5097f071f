#include "channel/loopback.hpp"

#include <arpa/inet.h>

namespace qsm::channel {

bool is_loopback(std::string const& address) {
  if (address.starts_with("unix:")) return true;
  std::string const host = address.substr(0, address.rfind(':'));
  in_addr v4{};
  return host == "localhost" || host == "[::1]" ||
         (::inet_pton(AF_INET, host.c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127);
}

}  // namespace qsm::channel
