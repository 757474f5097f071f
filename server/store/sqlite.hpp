/// As much of SQLite as the journal needs: a connection, a statement, a transaction.
///
/// Not thread-safe; whoever owns the Database serialises its use. Failures throw RequestError
/// (RESOURCE_EXHAUSTED DISK_FULL when SQLite says so) or std::runtime_error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace chistream {

class Database {
 public:
  /// Opens or creates, in WAL mode with synchronous=FULL: a transaction is on disk when its commit
  /// returns.
  explicit Database(std::filesystem::path const& path);

  void execute(std::string const& sql);
  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

struct Blob {  // bound as bytes; a plain std::string is bound as text
  std::string bytes;
};

class Statement {
 public:
  template <class... Values>
  Statement(Database& database, std::string_view sql, Values const&... values)
      : Statement(Prepared{}, database, sql) {
    int position = 0;
    (bind(++position, values), ...);
  }

  bool step();                              // true: there is a row
  std::uint64_t integer(int column) const;  // columns count from 0
  std::string bytes(int column) const;      // text or blob

 private:
  struct Prepared {};
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  Statement(Prepared, Database& database, std::string_view sql);
  void bind(int position, std::uint64_t value);
  void bind(int position, std::string const& text);
  void bind(int position, Blob const& blob);

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// Rolls back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(Transaction const&) = delete;
  Transaction& operator=(Transaction const&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace chistream
