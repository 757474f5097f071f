/// The tables of the journal, and how a journal of an earlier server becomes one of today's.
#pragma once

#include <cstdint>

#include "store/sqlite.hpp"

namespace chistream {

inline constexpr std::uint64_t kSchemaVersion = 2;

/// Creates or migrates, one transaction per version: a server that is killed meanwhile finds the
/// last version that was reached whole. Throws RequestError FAILED_PRECONDITION JOURNAL_VERSION
/// for a journal that a newer server wrote; nothing is changed then.
void bring_up_to_date(Database& database);

}  // namespace chistream
