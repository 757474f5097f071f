/// The files of the server, below one directory that belongs to one daemon at a time:
///
///   lock                   flock of the daemon that runs; holds the spool's name
///   journal.db             the Journal
///   run/worker.sock        where workers connect
///   uploads/<id>           an exam container; read-only once committed
///   staging/<job>-<epoch>/ artifacts of a running attempt
///   results/<job>/         artifacts of a job that succeeded
///
/// Paths are pure functions of ids, so the class has no state but its lock and is thread-safe.
/// Throws RequestError (DISK_FULL) and std::system_error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "store/file.hpp"

namespace chistream {

class Spool {
 public:
  /// Creates what is missing, mode 0700. Throws RequestError FAILED_PRECONDITION SPOOL_LOCKED when
  /// another daemon has it.
  explicit Spool(std::filesystem::path const& root);

  std::filesystem::path const& root() const { return root_; }
  std::filesystem::path journal() const { return root_ / "journal.db"; }
  std::filesystem::path worker_socket() const { return root_ / "run" / "worker.sock"; }
  std::uint64_t free_bytes() const;  // for this user
  /// A name that no other spool has, the same at every start.
  std::string const& instance() const { return instance_; }

  std::filesystem::path upload(std::string const& upload_id) const;
  File open_upload(std::string const& upload_id);  // created, durably, when it is not there
  void seal_upload(std::string const& upload_id);  // read-only from now on
  void remove_upload(std::string const& upload_id);

  /// A new file for an artifact; `name` may contain folders. Throws RequestError INVALID_ARGUMENT
  /// BAD_ARTIFACT_NAME (allowed: relative, [A-Za-z0-9._/-], no part that begins with a dot) or
  /// ALREADY_EXISTS ARTIFACT_EXISTS.
  File create_artifact(std::string const& job_id, std::uint64_t epoch, std::string const& name);
  void remove_artifact(std::string const& job_id, std::uint64_t epoch, std::string const& name);
  /// Renames the attempt's staging directory to the job's result: every artifact or none.
  void publish(std::string const& job_id, std::uint64_t epoch);
  /// Takes publish() back, for when the journal could not follow.
  void withdraw(std::string const& job_id, std::uint64_t epoch);
  void discard_staging(std::string const& job_id, std::uint64_t epoch);
  void remove_result(std::string const& job_id);
  File open_result(std::string const& job_id, std::string const& name) const;

  /// Removes whatever the journal does not vouch for. Before anything else uses the spool.
  void recover(std::set<std::string> const& uploads, std::set<std::string> const& results);

 private:
  std::filesystem::path staging(std::string const& job_id, std::uint64_t epoch) const;
  std::filesystem::path result(std::string const& job_id) const;

  std::filesystem::path root_;
  File lock_;
  std::string instance_;
};

}  // namespace chistream
