#include "security/caller.hpp"

namespace chistream {

std::string_view name_of(Role role) {
  switch (role) {
    case Role::kSubmit:
      return "submit";
    case Role::kRead:
      return "read";
    case Role::kEmergency:
      return "emergency";
    default:
      return "admin";
  }
}

std::optional<Role> role_of(std::string_view name) {
  for (Role const role : kAllRoles)
    if (name_of(role) == name) return role;
  return std::nullopt;
}

}  // namespace chistream
