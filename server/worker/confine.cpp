#include "worker/confine.hpp"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

namespace chistream {
namespace {

void limit(int resource, rlim_t most) {
  rlimit const bound{most, most};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &bound);
}

}  // namespace

void confine(Network network) {
  constexpr rlim_t kFiles = 4096;
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, kFiles);
  if (network == Network::kKept) return;
  // Without root only the owner of a user namespace may make the other one.
  int dies_with_parent = 0;  // which a change of credentials would undo
  ::prctl(PR_GET_PDEATHSIG, &dies_with_parent, 0, 0, 0);
  int const spaces = ::geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;
  if (::unshare(spaces) != 0)
    std::cerr << "the network could not be taken away: " << std::strerror(errno) << std::endl;
  ::prctl(PR_SET_PDEATHSIG, dies_with_parent, 0, 0, 0);
}

}  // namespace chistream
