#include "store/schema.hpp"

#include <spdlog/spdlog.h>

#include <string>

#include "store/request_error.hpp"

namespace chistream {
namespace {

// Entry n makes version n + 1 of version n. What has been released is never edited: the next
// change is the next entry, and tests/server/store keeps a journal of every version.
//
// `record` holds the message a client sees; the columns beside it are what is searched for.
constexpr char const* kSteps[] = {
    R"(
  CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL);
  INSERT INTO counters VALUES('epoch', 0);
  CREATE TABLE requests(
    kind TEXT NOT NULL, request_id TEXT NOT NULL, body BLOB NOT NULL, target TEXT NOT NULL,
    PRIMARY KEY(kind, request_id));
  CREATE TABLE uploads(
    id TEXT PRIMARY KEY, state INTEGER NOT NULL, declared_bytes INTEGER NOT NULL,
    declared_sha256 TEXT NOT NULL, durable_offset INTEGER NOT NULL, created_ms INTEGER NOT NULL,
    summary BLOB NOT NULL);
  CREATE TABLE jobs(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, state INTEGER NOT NULL,
    crashes INTEGER NOT NULL, epoch INTEGER NOT NULL, record BLOB NOT NULL);
  CREATE INDEX jobs_by_state ON jobs(state, seq);
  CREATE TABLE artifacts(
    job_id TEXT NOT NULL REFERENCES jobs(id), name TEXT NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY(job_id, name));
)",
    // Tenants. What was there before belongs to the empty one, which is that of a server without
    // an access file.
    R"(
  ALTER TABLE uploads ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
  ALTER TABLE jobs ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
  CREATE INDEX uploads_by_tenant ON uploads(tenant, state);
  CREATE INDEX jobs_by_tenant ON jobs(tenant, seq);
  ALTER TABLE requests RENAME TO requests_1;
  CREATE TABLE requests(
    tenant TEXT NOT NULL, kind TEXT NOT NULL, request_id TEXT NOT NULL, body BLOB NOT NULL,
    target TEXT NOT NULL, PRIMARY KEY(tenant, kind, request_id));
  INSERT INTO requests SELECT '', kind, request_id, body, target FROM requests_1;
  DROP TABLE requests_1;
)"};
static_assert(std::size(kSteps) == kSchemaVersion);

}  // namespace

void bring_up_to_date(Database& database) {
  std::uint64_t found = 0;
  {
    Statement version(database, "PRAGMA user_version");
    version.step();
    found = version.integer(0);
  }
  if (found > kSchemaVersion)
    throw RequestError(grpc::FAILED_PRECONDITION, "JOURNAL_VERSION",
                       "the journal has schema version " + std::to_string(found) +
                           ", this server knows up to " + std::to_string(kSchemaVersion),
                       "start the newer server again, or restore a backup of before");
  if (found > 0 && found < kSchemaVersion)
    spdlog::info("journal: from schema version {} to {}", found, kSchemaVersion);
  for (std::uint64_t version = found; version < kSchemaVersion; ++version) {
    Transaction transaction(database);
    database.execute(kSteps[version]);
    database.execute("PRAGMA user_version=" + std::to_string(version + 1));
    transaction.commit();
  }
}

}  // namespace chistream
