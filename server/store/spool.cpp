#include "store/spool.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "store/random_id.hpp"
#include "store/request_error.hpp"

namespace chistream {
namespace fs = std::filesystem;
namespace {

void make_directory(fs::path const& path) {
  if (::mkdir(path.c_str(), 0700) == 0)
    sync_directory(path.parent_path());
  else if (errno != EEXIST)
    throw_errno("mkdir " + path.string());
}

void check_name(std::string const& name) {
  bool part_begins = true;
  bool good = !name.empty() && name.size() <= 255 && name.back() != '/';
  for (char const c : name) {
    bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    good = good && (letter || c == '_' || c == '-' || ((c == '.' || c == '/') && !part_begins));
    part_begins = c == '/';
  }
  if (!good)
    throw RequestError(grpc::INVALID_ARGUMENT, "BAD_ARTIFACT_NAME",
                       "an artifact name is relative, of [A-Za-z0-9._/-], at most 255 characters, "
                       "and no part of it begins with a dot");
}

// Every directory under `path`, itself last.
void sync_tree(fs::path const& path) {
  for (auto const& entry : fs::directory_iterator(path))
    if (entry.is_directory()) sync_tree(entry.path());
  sync_directory(path);
}

void keep_only(fs::path const& directory, std::set<std::string> const& names) {
  for (auto const& entry : fs::directory_iterator(directory))
    if (!names.contains(entry.path().filename().string())) fs::remove_all(entry.path());
  sync_directory(directory);
}

}  // namespace

Spool::Spool(fs::path const& root) : root_(fs::absolute(root)) {
  fs::create_directories(root_.parent_path());
  make_directory(root_);
  for (char const* name : {"run", "uploads", "staging", "results"}) make_directory(root_ / name);
  lock_ = File(root_ / "lock", O_RDWR | O_CREAT);
  if (::flock(lock_.fd(), LOCK_EX | LOCK_NB) != 0)
    throw RequestError(grpc::FAILED_PRECONDITION, "SPOOL_LOCKED",
                       "another daemon uses the spool " + root_.string());
  constexpr std::size_t kNameBytes = 12;
  instance_.resize(kNameBytes);
  if (lock_.read_at(0, std::as_writable_bytes(std::span(instance_))) != kNameBytes) {
    instance_ = random_id().substr(0, kNameBytes);
    lock_.write_at(0, std::as_bytes(std::span(instance_)));
    lock_.sync();
  }
}

std::uint64_t Spool::free_bytes() const {
  return fs::space(root_).available;
}

fs::path Spool::upload(std::string const& upload_id) const {
  return root_ / "uploads" / upload_id;
}

File Spool::open_upload(std::string const& upload_id) {
  File file(upload(upload_id), O_RDWR | O_CREAT);
  sync_directory(root_ / "uploads");
  return file;
}

void Spool::seal_upload(std::string const& upload_id) {
  File const file(upload(upload_id), O_RDONLY);
  if (::fchmod(file.fd(), 0400) != 0) throw_errno("chmod");
  if (::fsync(file.fd()) != 0) throw_errno("fsync");
}

void Spool::remove_upload(std::string const& upload_id) {
  fs::remove(upload(upload_id));
  sync_directory(root_ / "uploads");
}

File Spool::create_artifact(std::string const& job_id, std::uint64_t epoch,
                            std::string const& name) {
  check_name(name);
  fs::path const path = staging(job_id, epoch) / name;
  fs::create_directories(path.parent_path());
  try {
    return File(path, O_WRONLY | O_CREAT | O_EXCL);
  } catch (std::system_error const& error) {
    if (error.code().value() != EEXIST) throw;
    throw RequestError(grpc::ALREADY_EXISTS, "ARTIFACT_EXISTS",
                       "this attempt has put an artifact of this name before");
  }
}

void Spool::remove_artifact(std::string const& job_id, std::uint64_t epoch,
                            std::string const& name) {
  fs::remove(staging(job_id, epoch) / name);
}

void Spool::publish(std::string const& job_id, std::uint64_t epoch) {
  fs::path const from = staging(job_id, epoch);
  make_directory(from);  // a job without artifacts has an empty result
  sync_tree(from);
  fs::rename(from, result(job_id));
  sync_directory(root_ / "results");
  sync_directory(root_ / "staging");
}

void Spool::withdraw(std::string const& job_id, std::uint64_t epoch) {
  fs::rename(result(job_id), staging(job_id, epoch));
}

void Spool::discard_staging(std::string const& job_id, std::uint64_t epoch) {
  fs::remove_all(staging(job_id, epoch));
}

void Spool::remove_result(std::string const& job_id) {
  fs::remove_all(result(job_id));
  sync_directory(root_ / "results");
}

File Spool::open_result(std::string const& job_id, std::string const& name) const {
  return File(result(job_id) / name, O_RDONLY);
}

void Spool::recover(std::set<std::string> const& uploads, std::set<std::string> const& results) {
  keep_only(root_ / "uploads", uploads);
  keep_only(root_ / "results", results);
  keep_only(root_ / "staging", {});
  fs::remove(worker_socket());
}

fs::path Spool::staging(std::string const& job_id, std::uint64_t epoch) const {
  return root_ / "staging" / (job_id + "-" + std::to_string(epoch));
}

fs::path Spool::result(std::string const& job_id) const {
  return root_ / "results" / job_id;
}

}  // namespace chistream
