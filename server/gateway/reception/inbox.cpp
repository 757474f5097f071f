#include "gateway/reception/inbox.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "container/sha256.hpp"
#include "formats/dicom/instance.hpp"
#include "formats/format_error.hpp"
#include "formats/mapped_file.hpp"
#include "store/file.hpp"
#include "store/random_id.hpp"

namespace chistream::gateway {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kRejectedKept = 100;

/// 128 bits are enough to tell UIDs apart, and short names keep paths short.
std::string digest(std::string const& text) {
  return qsm::container::sha256_hex(text).substr(0, 32);
}

std::string read_all(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string lines_of(Origin const& origin) {
  return origin.calling_ae + '\n' + origin.called_ae + '\n' + origin.address + '\n' +
         origin.certificate + '\n';
}

void sync_file(fs::path const& path) {
  File(path, O_RDWR).sync();
}

/// Makes the folder if need be, and keeps every other process out of it until the answer goes:
/// associations of one study, and whoever takes the last image away and the folder with it.
File hold(fs::path const& folder) {
  for (;;) {
    fs::create_directory(folder);
    File held(folder, O_RDONLY | O_DIRECTORY);
    if (::flock(held.fd(), LOCK_EX) != 0) throw_errno("flock " + folder.string());
    std::error_code gone;
    if (fs::equivalent(folder, "/proc/self/fd/" + std::to_string(held.fd()), gone)) return held;
  }
}

}  // namespace

Inbox::Inbox(fs::path state)
    : inbox_(state / "inbox"), captures_(state / "captures"), rejected_(state / "rejected") {
  fs::create_directories(captures_);
  fs::create_directories(inbox_ / "incoming");
  fs::create_directories(rejected_);
}

fs::path Inbox::incoming() const {
  return inbox_ / "incoming" / random_id();
}

Receipt Inbox::keep(fs::path const& file, Origin const& origin, fs::path& folder) const {
  qsm::v1::DicomInstance facts;
  try {
    facts = dicom::describe(file);
  } catch (FormatError const&) {
    keep_rejected(file, ".dcm");
    throw;
  }
  std::string const lines = lines_of(origin);
  folder = inbox_ / digest(lines + facts.identity().study_instance_uid());
  fs::path const name = folder / digest(facts.sop_instance_uid());
  fs::path const facts_path = name.string() + ".facts";
  File const held = hold(folder);
  if (!fs::exists(folder / "origin")) {  // new, or whoever made it was killed
    replace_file(folder / "origin", lines);
    sync_directory(inbox_);
  }
  if (fs::exists(facts_path)) {
    qsm::v1::DicomInstance known;
    bool const same = known.ParseFromString(read_all(facts_path)) &&
                      known.content_sha256() == facts.content_sha256();
    if (same)
      fs::remove(file);
    else
      keep_rejected(file, ".dcm");
    return same ? Receipt::kKnown : Receipt::kConflict;
  }
  sync_file(file);
  fs::rename(file, name.string() + ".dcm");
  replace_file(facts_path, facts.SerializeAsString());  // syncs the directory too
  return Receipt::kNew;
}

fs::path Inbox::keep_capture(fs::path const& file, Origin const& origin) const {
  sync_file(file);
  std::string const name =
      digest(qsm::container::sha256_hex(MappedFile(file).bytes()) + lines_of(origin));
  fs::path const capture = captures_ / (name + ".mrd");
  replace_file(captures_ / (name + ".origin"), lines_of(origin));
  fs::rename(file, capture);
  sync_directory(captures_);
  return capture;
}

std::vector<fs::path> Inbox::captures() const {
  std::vector<fs::path> all;
  for (auto const& entry : fs::directory_iterator(captures_))
    if (entry.path().extension() == ".mrd") all.push_back(entry.path());
  return all;
}

fs::path Inbox::keep_rejected(fs::path const& file, char const* extension) const {
  fs::path const place = rejected_ / (random_id() + extension);
  fs::rename(file, place);
  std::vector<fs::directory_entry> kept(fs::directory_iterator(rejected_), {});
  if (kept.size() <= kRejectedKept) return place;
  std::sort(kept.begin(), kept.end(),
            [](auto const& a, auto const& b) { return a.last_write_time() < b.last_write_time(); });
  for (std::size_t i = 0; i + kRejectedKept < kept.size(); ++i) {
    std::error_code ignored;  // another association may have removed it
    fs::remove(kept[i], ignored);
  }
  return place;
}

void Inbox::clear_incoming() const {
  for (auto const& entry : fs::directory_iterator(inbox_ / "incoming")) fs::remove(entry);
}

std::vector<fs::path> Inbox::folders() const {
  std::vector<fs::path> all;
  for (auto const& entry : fs::directory_iterator(inbox_))
    if (entry.is_directory() && fs::exists(entry.path() / "origin")) all.push_back(entry.path());
  return all;
}

Origin Inbox::origin_of(fs::path const& folder) {
  fs::path of_capture = folder;
  std::ifstream file(fs::is_directory(folder) ? folder / "origin"
                                              : of_capture.replace_extension(".origin"));
  Origin origin;
  std::getline(file, origin.calling_ae);
  std::getline(file, origin.called_ae);
  std::getline(file, origin.address);
  std::getline(file, origin.certificate);
  return origin;
}

void Inbox::read_new(fs::path const& folder, std::vector<dicom::SourceFile>& known) {
  std::set<fs::path> seen;
  for (auto const& file : known) seen.insert(file.path);
  for (auto const& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".facts") continue;
    fs::path image = entry.path();
    image.replace_extension(".dcm");
    if (seen.contains(image)) continue;
    dicom::SourceFile file{image, {}};
    if (file.facts.ParseFromString(read_all(entry.path()))) known.push_back(std::move(file));
  }
}

void Inbox::remove(fs::path const& folder,
                   google::protobuf::RepeatedPtrField<std::string> const& sop_instance_uids) {
  if (!fs::exists(folder)) return;
  File const held = hold(folder);
  for (auto const& uid : sop_instance_uids)
    for (auto const* const kind : {".facts", ".dcm"}) fs::remove(folder / (digest(uid) + kind));
  bool const empty =
      std::all_of(fs::directory_iterator(folder), fs::directory_iterator(),
                  [](auto const& entry) { return entry.path().filename() == "origin"; });
  if (empty) fs::remove_all(folder);
}

double Inbox::fullness() const {
  auto const space = fs::space(inbox_);
  return 1 - static_cast<double>(space.available) / static_cast<double>(space.capacity);
}

}  // namespace chistream::gateway
