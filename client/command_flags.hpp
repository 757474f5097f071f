/// Flags that several subcommands share.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "client/progress.hpp"
#include "formats/exam_flags.hpp"
#include "session/connection.hpp"
#include "session/exam_cache.hpp"
#include "session/fetch.hpp"

namespace chistream {

/// --server, else $CHISTREAM_SERVER, else 127.0.0.1:50151; who we are to it, and whom we trust.
class ServerFlag {
 public:
  void add_to(CLI::App& app);
  Connection connect() const { return Connection(address_, credentials_); }
  std::string const& address() const { return address_; }

 private:
  std::string address_;
  qsm::channel::Credentials credentials_;
};

/// What the server says of itself, and for people to read.
qsm::v1::ServerInfo server_info(Connection& server);
void print_server(qsm::v1::ServerInfo const& info);

/// --pipeline, --set stage.option=value, --series, --priority, --max-queue-time, --new, and whose
/// exam it is.
class JobFlags {
 public:
  void add_to(CLI::App& app);

  /// The spec but for its upload. Asks the server, and so finds one that does not answer, and
  /// options that do not exist, before any work is done.
  qsm::v1::JobSpec spec(Connection& server) const;
  bool fresh() const { return fresh_; }

 private:
  std::string pipeline_;
  std::vector<std::string> assignments_;
  qsm::v1::JobSpec spec_;  // identity, series and queue, which the flags fill
  qsm::v1::Priority priority_ = qsm::v1::PRIORITY_UNSPECIFIED;
  bool fresh_ = false;
};

/// INPUT and its flags, --cache.
class InputFlags {
 public:
  void add_to(CLI::App& app);
  Exam prepare(Progress& progress) const;

 private:
  ExamFlags exam_;
  std::string cache_;
};

/// -o, --artifacts.
class OutputFlags {
 public:
  void add_to(CLI::App& app);
  std::filesystem::path const& folder() const { return folder_; }
  Wanted wanted() const;

 private:
  std::filesystem::path folder_;
  std::string artifacts_ = "all";
};

}  // namespace chistream
