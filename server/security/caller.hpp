/// Who calls, and what that allows.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace chistream {

enum class Role : unsigned {
  kSubmit = 1,     // upload, submit, cancel, retry, delete
  kRead = 2,       // jobs and results
  kEmergency = 4,  // jobs of priority emergency, beside kSubmit
  kAdmin = 8,      // the server itself; no patient's data
};

/// "submit", "read", "emergency", "admin".
std::optional<Role> role_of(std::string_view name);
std::string_view name_of(Role role);
inline constexpr Role kAllRoles[] = {Role::kSubmit, Role::kRead, Role::kEmergency, Role::kAdmin};

class Roles {
 public:
  constexpr Roles() = default;
  constexpr Roles(std::initializer_list<Role> roles) {
    for (Role const role : roles) add(role);
  }
  constexpr void add(Role role) { bits_ |= static_cast<unsigned>(role); }
  constexpr bool has(Role role) const { return bits_ & static_cast<unsigned>(role); }
  constexpr bool meets(Roles other) const { return bits_ & other.bits_; }  // one at least
  constexpr bool empty() const { return bits_ == 0; }

 private:
  unsigned bits_ = 0;
};

struct Caller {
  std::string name;    // of a console, a program, a person; stands in the audit trail
  std::string tenant;  // whose uploads and jobs it sees; empty on a server without an access file
  Roles roles;
  std::string trace_id = {};  // of this call; 32 hex digits
};

}  // namespace chistream
