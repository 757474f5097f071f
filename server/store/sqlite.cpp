#include "store/sqlite.hpp"

#include <sqlite3.h>

#include <stdexcept>

#include "store/request_error.hpp"

namespace chistream {
namespace {

void check(sqlite3* database, int code) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  if (code == SQLITE_FULL)
    throw RequestError(grpc::RESOURCE_EXHAUSTED, "DISK_FULL", "no space is left for the journal",
                       "free space in the spool and try again");
  throw std::runtime_error(std::string("journal: ") +
                           (database ? sqlite3_errmsg(database) : sqlite3_errstr(code)));
}

}  // namespace

void Database::Close::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}

Database::Database(std::filesystem::path const& path) {
  sqlite3* handle = nullptr;
  int const code =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  handle_.reset(handle);
  check(handle, code);
  execute("PRAGMA journal_mode=WAL");
  execute("PRAGMA synchronous=FULL");
  execute("PRAGMA foreign_keys=ON");
}

void Database::execute(std::string const& sql) {
  check(handle(), sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr));
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement::Statement(Prepared, Database& database, std::string_view sql)
    : database_(database.handle()) {
  sqlite3_stmt* statement = nullptr;
  check(database_, sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()),
                                      &statement, nullptr));
  statement_.reset(statement);
}

bool Statement::step() {
  int const code = sqlite3_step(statement_.get());
  check(database_, code);
  return code == SQLITE_ROW;
}

std::uint64_t Statement::integer(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), column));
}

std::string Statement::bytes(int column) const {
  auto const* data = static_cast<char const*>(sqlite3_column_blob(statement_.get(), column));
  int const size = sqlite3_column_bytes(statement_.get(), column);
  return data ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

void Statement::bind(int position, std::uint64_t value) {
  check(database_,
        sqlite3_bind_int64(statement_.get(), position, static_cast<sqlite3_int64>(value)));
}

void Statement::bind(int position, std::string const& text) {
  check(database_, sqlite3_bind_text64(statement_.get(), position, text.data(), text.size(),
                                       SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::bind(int position, Blob const& blob) {
  check(database_, sqlite3_bind_blob64(statement_.get(), position, blob.bytes.data(),
                                       blob.bytes.size(), SQLITE_TRANSIENT));
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  // After some failures (a full disk) SQLite has rolled back by itself.
  if (open_ && sqlite3_get_autocommit(database_.handle()) == 0)
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace chistream
