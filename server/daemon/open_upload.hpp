/// An upload that still takes bytes: its file, how much of it is durable, and the running checks.
///
/// The durable offset is in the journal, written after the file was synced up to it; whatever the
/// file holds beyond it after a restart is cut off. SHA-256 and framing follow the bytes as they
/// come, so that commit need not read them again; after a restart they are rebuilt from the file.
///
/// Thread-safe. state_ guards file position, checks and lease, and is held while one chunk is
/// written (1 MiB at most), or while a prefix is read back. syncing_ admits one sync at a time, and
/// ending_ one commit or abort. Order: ending_, syncing_, state_, then the journal's own.
///
/// Throws RequestError: ABORTED LEASE_LOST, FAILED_PRECONDITION UPLOAD_NOT_OPEN, INVALID_ARGUMENT
/// CHUNK_TOO_LARGE or UPLOAD_TOO_LONG, RESOURCE_EXHAUSTED DISK_FULL.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "container/framing.hpp"
#include "container/sha256.hpp"
#include "store/journal.hpp"
#include "store/spool.hpp"

namespace chistream {

inline constexpr std::size_t kMaxChunkBytes = 1u << 20;

class OpenUpload {
 public:
  using Inspect = std::function<qsm::v1::InputSummary(std::filesystem::path const&)>;
  enum class Taken { kStored, kResend };

  OpenUpload(Journal& journal, Spool& spool, std::string upload_id);

  /// The caller is the writer from now on; who was before gets LEASE_LOST.
  std::uint64_t take_lease();

  /// kResend: the chunk was damaged on its way or leaves a gap. What is stored already is skipped.
  Taken append(std::uint64_t lease, qsm::v1::ChunkRequest const& chunk);

  std::uint64_t received();
  std::uint64_t durable();

  /// Makes what has been received durable.
  void sync();

  /// Verifies everything, has the content inspected, and seals the file. Throws RequestError
  /// DATA_LOSS (LENGTH_MISMATCH, SHA256_MISMATCH), INVALID_ARGUMENT (framing's reasons,
  /// BAD_EXAM_HEADER, COUNT_MISMATCH), and what `inspect` throws; the upload then stays open.
  qsm::v1::InputSummary commit(qsm::v1::CommitUploadRequest const& request, Inspect const& inspect);
  void abort();

 private:
  struct Checks {
    qsm::container::Sha256 sha256;
    qsm::container::FramingChecker framing;
    std::optional<qsm::container::FramingError> framing_error;
    void consume(std::span<std::byte const> bytes);
  };

  void require_open_locked();  // loads on first use
  void load_locked();
  std::string verify_locked(qsm::v1::CommitUploadRequest const& request) const;

  Journal& journal_;
  Spool& spool_;
  std::string const id_;

  std::mutex ending_;
  std::mutex syncing_;
  std::mutex state_;  // guards what follows
  UploadRecord record_;
  File file_;
  Checks checks_;
  std::uint64_t received_ = 0;
  std::uint64_t durable_ = 0;
  std::uint64_t lease_ = 0;
};

}  // namespace chistream
