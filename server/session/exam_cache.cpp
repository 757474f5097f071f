#include "session/exam_cache.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "container/sha256.hpp"
#include "formats/container_reader.hpp"
#include "formats/format_error.hpp"
#include "formats/inspect.hpp"
#include "session/locked_file.hpp"

namespace chistream {

namespace fs = std::filesystem;
using qsm::container::Sha256;

namespace {

/// Everything that decides what bytes come out, short of reading the input.
class Fingerprint {
 public:
  void text(std::string const& value) {
    digest_.update(value);
    digest_.update(std::string_view("\0", 1));
  }
  void number(double value) { text(std::to_string(value) + '/' + std::to_string(value * 1e9)); }
  void file(fs::path const& path) {
    if (!fs::exists(path))
      throw FormatError("FILE_UNREADABLE", "there is no such file: " + path.string());
    text(fs::absolute(path).string());
    if (fs::is_directory(path)) {
      std::vector<fs::path> entries;
      for (auto const& entry : fs::recursive_directory_iterator(path))
        if (entry.is_regular_file()) entries.push_back(entry.path());
      std::sort(entries.begin(), entries.end());
      for (auto const& entry : entries) file(entry);
      return;
    }
    text(std::to_string(fs::file_size(path)));
    text(std::to_string(fs::last_write_time(path).time_since_epoch().count()));
  }
  std::string hex() const { return digest_.hex_digest().substr(0, 32); }

 private:
  Sha256 digest_;
};

std::string fingerprint(ExamSource const& source) try {
  Fingerprint print;
  print.text(CHISTREAM_VERSION);
  auto const& images = source.images;
  if (!source.input.empty()) print.file(source.input);
  for (auto const& path : images.magnitude) print.file(path);
  print.text("phase");
  for (auto const& path : images.phase) print.file(path);
  for (double const te : images.te_s) print.number(te);
  print.text("options");
  print.number(images.b0_t);
  print.number(images.frequency_hz);
  print.number(images.phase_sign.value_or(0));
  print.number(source.slices_chopped ? 1 + *source.slices_chopped : 0);
  print.number(static_cast<int>(images.phase_units));
  print.number(images.phase_difference);
  if (images.b0_direction)
    for (double const component : *images.b0_direction) print.number(component);
  print.number(source.noise.whiten);
  if (!source.noise.file.empty()) print.file(source.noise.file);
  return print.hex();
} catch (fs::filesystem_error const& error) {
  throw FormatError("FILE_UNREADABLE", error.what());
}

/// "<fingerprint>-<sha256>.qsmexam" in `cache`, if an earlier run finished it.
fs::path find_finished(fs::path const& cache, std::string const& print) {
  for (auto const& entry : fs::directory_iterator(cache)) {
    std::string const name = entry.path().filename();
    if (name.starts_with(print + '-') && name.ends_with(".qsmexam")) return entry.path();
  }
  return {};
}

std::string sha256_of_file(fs::path const& path) {
  MappedFile const file(path);
  return qsm::container::sha256_hex(file.bytes());
}

fs::path convert(ExamSource const& source, fs::path const& cache, std::string const& print) {
  LockedFile file(cache / (print + ".partial"));
  // Whoever held the lock before may just have finished the same conversion.
  if (auto const finished = find_finished(cache, print); !finished.empty()) {
    file.remove();
    return finished;
  }
  Sha256 sha256;
  ContainerWriter out([&](std::span<std::byte const> bytes) {
    sha256.update(bytes);
    file.write(bytes);
  });
  try {
    write_exam(source, out);
    file.flush();
  } catch (...) {
    file.remove();
    throw;
  }
  fs::path const finished = cache / (print + '-' + sha256.hex_digest() + ".qsmexam");
  file.rename(finished);
  return finished;
}

}  // namespace

fs::path default_cache() {
  if (char const* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0')
    return fs::path(cache) / "chistream";
  char const* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return fs::temp_directory_path() / "chistream";
  return fs::path(home) / ".cache" / "chistream";
}

Exam prepare_exam(ExamSource const& source, fs::path const& cache) {
  Exam exam;
  if (source.input.extension() == ".qsmexam") {
    exam.path = source.input;
    exam.sha256 = sha256_of_file(exam.path);
  } else {
    std::error_code error;
    fs::create_directories(cache, error);
    if (!error) fs::permissions(cache, fs::perms::owner_all, error);
    if (error)
      throw FormatError("FILE_UNWRITABLE",
                        "the cache " + cache.string() + " cannot be made: " + error.message(),
                        "name another one with --cache");
    std::string const print = fingerprint(source);
    exam.cached = true;
    exam.path = find_finished(cache, print);
    if (exam.path.empty()) exam.path = convert(source, cache, print);
    exam.sha256 = exam.path.stem().string().substr(print.size() + 1);
  }
  try {
    ContainerReader const reader(exam.path);
    exam.bytes = reader.bytes();
    exam.summary = inspect(reader);
  } catch (FormatError const&) {
    discard(exam);
    throw;
  }
  exam.summary.set_sha256(exam.sha256);
  return exam;
}

void discard(Exam const& exam) {
  std::error_code ignored;
  if (exam.cached) fs::remove(exam.path, ignored);
}

}  // namespace chistream
