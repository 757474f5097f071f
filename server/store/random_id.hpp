/// Identities of uploads, jobs and incidents: 128 random bits, never reused, not guessable.
#pragma once

#include <string>

namespace chistream {

/// 32 lower-case hex digits from getrandom(2).
std::string random_id();

}  // namespace chistream
