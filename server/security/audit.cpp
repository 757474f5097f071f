#include "security/audit.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <deque>
#include <fstream>
#include <nlohmann/json.hpp>

#include "container/sha256.hpp"
#include "store/request_error.hpp"

namespace chistream {
namespace {

using nlohmann::json;

std::string now_text() {
  auto const now = std::chrono::system_clock::now();
  auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  std::time_t const seconds = ms.count() / 1000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[40];
  std::size_t const length = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + length, sizeof(text) - length, ".%03dZ",
                static_cast<int>(ms.count() % 1000));
  return text;
}

}  // namespace

Audit::Audit(std::filesystem::path const& path)
    : path_(path),
      file_(path, O_RDWR | O_CREAT),
      lines_([this](auto const& records) { write(records); }) {
  std::ifstream lines(path, std::ios::binary);
  std::string last;
  for (std::string line; std::getline(lines, line) && !lines.eof(); last.swap(line)) {
    ++seq_;
    offset_ += line.size() + 1;
  }
  if (seq_ > 0) previous_ = qsm::container::sha256_hex(last);
  if (file_.size() > offset_) file_.truncate(offset_);
  sync_directory(std::filesystem::absolute(path).parent_path());
  spdlog::info("audit trail: goes on after line {}, SHA-256 {}", seq_, previous_);
}

std::string Audit::line_of(AuditRecord const& record) {
  nlohmann::ordered_json const line{{"seq", seq_ + 1},
                                    {"at", now_text()},
                                    {"event", static_cast<int>(record.event)},
                                    {"action", record.action},
                                    {"outcome", static_cast<int>(record.outcome)},
                                    {"caller", record.caller},
                                    {"tenant", record.tenant},
                                    {"peer", record.peer},
                                    {"object", record.object},
                                    {"reason", record.reason},
                                    {"previous", previous_}};
  // What a client sent may be no UTF-8.
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

void Audit::require_room() const {
  if (waiting_ >= kMaxBacklog)
    throw RequestError(grpc::UNAVAILABLE, "AUDIT_BACKLOG",
                       "the audit trail cannot be written, so nothing that belongs there is done",
                       "free space for the audit trail");
}

void Audit::write(std::vector<AuditRecord> const& records) {
  for (AuditRecord const& record : records) {
    std::string const line = line_of(record);
    ++seq_;
    previous_ = qsm::container::sha256_hex(line);
    backlog_ += line + '\n';
  }
  try {
    file_.write_at(offset_, std::as_bytes(std::span(backlog_)));
    file_.sync();
    offset_ += backlog_.size();
    backlog_.clear();
    waiting_ = 0;
  } catch (std::exception const& error) {
    waiting_ += records.size();
    spdlog::error("audit trail: {} lines wait in memory, {}", waiting_.load(), error.what());
  }
}

std::vector<std::string> Audit::tail(std::size_t lines) const {
  std::ifstream file(path_, std::ios::binary);
  std::deque<std::string> newest;
  for (std::string line; std::getline(file, line);) {
    newest.push_back(std::move(line));
    if (newest.size() > lines) newest.pop_front();
  }
  return {newest.begin(), newest.end()};
}

Audit::Chain Audit::verify(std::filesystem::path const& path) {
  Chain chain;
  std::ifstream lines(path, std::ios::binary);
  if (!lines) {
    chain.broken = "the file cannot be read";
    return chain;
  }
  for (std::string line; chain.broken.empty() && std::getline(lines, line);) {
    std::string const where = "line " + std::to_string(chain.lines + 1);
    json const entry = json::parse(line, nullptr, false);
    if (lines.eof() || !entry.is_object())
      chain.broken = where + " is not a whole line";
    else if (entry.value("seq", std::uint64_t{0}) != chain.lines + 1)
      chain.broken = where + " has another number";
    else if (entry.value("previous", "-") != chain.last_hash)
      chain.broken = where + " does not follow the line before it";
    if (!chain.broken.empty()) return chain;
    ++chain.lines;
    chain.last_hash = qsm::container::sha256_hex(line);
  }
  return chain;
}

}  // namespace chistream
