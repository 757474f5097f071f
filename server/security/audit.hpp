/// The audit trail: who did what to which exam, one JSON object per line, each with the SHA-256 of
/// the line before, so that a line that was changed, removed or put in between is found.
///
///   {"seq":7,"at":"2026-11-29T12:00:00.000Z","event":110106,"action":"ResultService/StreamSeries",
///    "outcome":0,"caller":"pacs","tenant":"radiology","peer":"ipv4:10.0.0.7","object":"4abc...",
///    "reason":"","previous":"9f86..."}
///
/// `event` is a DICOM code (PS3.15 A.5.3), `outcome` its outcome indicator. No line names a
/// patient. An end that was cut off cannot be told from the chain alone: verify() answers the last
/// line's number and hash, to be compared with what another place keeps (the log has both at every
/// start and stop).
///
/// A line is on disk when record() returns; lines that come together share a sync. When the disk
/// does not take it, lines wait in memory and the log says so; with kMaxBacklog of them waiting,
/// require_room() refuses what would have to be recorded.
///
/// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "security/access_table.hpp"
#include "store/file.hpp"
#include "store/group_commit.hpp"

namespace chistream {

enum class AuditOutcome { kSuccess = 0, kRefused = 4, kFailed = 8, kServerFailed = 12 };

struct AuditRecord {
  AuditEvent event = AuditEvent::kNone;
  std::string action;
  AuditOutcome outcome = AuditOutcome::kSuccess;
  std::string caller = {}, tenant = {}, peer = {}, object = {}, reason = {};
};

class Audit {
 public:
  static constexpr std::size_t kMaxBacklog = 10'000;

  /// Opens or creates, and goes on after the last whole line; the rest of a line that a crash cut
  /// off is removed. Throws std::system_error.
  explicit Audit(std::filesystem::path const& path);

  /// Throws RequestError UNAVAILABLE AUDIT_BACKLOG.
  void require_room() const;
  void record(AuditRecord const& record) { lines_(record); }
  std::uint64_t waiting() const { return waiting_; }  // lines that are not on disk

  /// The newest lines, oldest of them first.
  std::vector<std::string> tail(std::size_t lines) const;

  struct Chain {
    std::uint64_t lines = 0;
    std::string last_hash;
    std::string broken;  // what is wrong; empty: nothing
  };
  static Chain verify(std::filesystem::path const& path);

 private:
  void write(std::vector<AuditRecord> const& records);
  std::string line_of(AuditRecord const& record);

  std::filesystem::path const path_;
  File file_;
  std::uint64_t seq_ = 0;     // these are used by the one thread that writes
  std::uint64_t offset_ = 0;  //
  std::string previous_;      //
  std::string backlog_;       //
  std::atomic<std::uint64_t> waiting_ = 0;
  GroupCommit<AuditRecord> lines_;
};

}  // namespace chistream
