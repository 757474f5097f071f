/// What deploy/load.sh asks of a server, one subcommand each; every one prints a line of JSON.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace chistream::load {

namespace fs = std::filesystem;

/// A well-formed container of about `mib` MiB that no other seed gives. Records of 1 MiB; with
/// `sparse` one image block of zeros that takes no disk.
void make_exam(fs::path const& file, std::uint64_t mib, unsigned seed, bool sparse);

/// All files at the same time, each by the client's own code over a connection of its own, to the
/// answer of CommitUpload. {bytes, seconds, upload_ids}.
std::string upload_all(std::string const& server, std::vector<fs::path> const& files);

/// The floor: the same files at the same time over loopback TCP into `folder`, each with fsync of
/// file and folder, and nothing else. {bytes, seconds}.
std::string copy_all(std::vector<fs::path> const& files, fs::path const& folder);

/// `count` jobs of one upload for the stand-in worker, which does with each what `behaviour` says.
/// {job_ids, seconds}.
std::string submit_jobs(std::string const& server, std::string const& upload_id, unsigned count,
                        std::string const& behaviour);

/// GetJob every `pause_ms` for `seconds` or until SIGTERM, over one connection. {calls, p50_ms,
/// p99_ms, most_ms}.
std::string ask(std::string const& server, std::string const& job_id, double seconds,
                double pause_ms);

/// `readers` of StreamSeries over connections of their own, each taking a message every
/// `pause_ms`, until `seconds` are over. {messages}.
std::string read_slowly(std::string const& server, std::string const& job_id, unsigned readers,
                        double seconds, double pause_ms);

}  // namespace chistream::load
