#include "session/fetch.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "formats/format_error.hpp"
#include "session/result_file.hpp"
#include "session/stopwatch.hpp"

namespace chistream {

namespace fs = std::filesystem;

namespace {

constexpr char kDicom[] = "application/dicom";

/// "chi.nii.gz" or "dicom/0001.dcm": a name from the server must not lead out of the folder.
void check_name(std::string const& name) {
  fs::path const path(name);
  bool const plain = !name.empty() && path.is_relative() &&
                     std::none_of(path.begin(), path.end(), [](fs::path const& part) {
                       return part.empty() || part.native().front() == '.';
                     });
  if (!plain) throw FormatError("BAD_ARTIFACT_NAME", "the server names a result '" + name + "'");
}

bool same(qsm::v1::Artifact const& a, qsm::v1::Artifact const& b) {
  return a.name() == b.name() && a.bytes() == b.bytes() && a.sha256() == b.sha256();
}

/// Streams the series into `folder`/dicom/... and compares it with its manifest.
std::uint32_t receive_series(Connection& server, std::string const& job_id,
                             fs::path const& folder) {
  qsm::v1::StreamSeriesRequest request;
  request.set_job_id(job_id);
  grpc::ClientContext context;
  auto const stream = server.results->StreamSeries(&context, request);
  std::vector<qsm::v1::Artifact> received;
  std::optional<ResultFile> file;
  std::optional<qsm::v1::SeriesManifest> manifest;
  auto const close = [&] {
    if (file) file->finish();
    file.reset();
  };
  qsm::v1::SeriesItem item;
  while (stream->Read(&item)) {
    if (item.has_head()) {
      close();
      check_name(item.head().name());
      file.emplace(folder / item.head().name(), item.head());
      received.push_back(item.head());
    } else if (item.has_manifest()) {
      close();
      manifest = item.manifest();
    } else if (file) {
      file->write(item.data());
    }
  }
  check(stream->Finish());
  bool const whole = manifest && manifest->instances() == received.size() &&
                     std::equal(received.begin(), received.end(), manifest->entries().begin(),
                                manifest->entries().end(), same);
  if (!whole)
    throw FormatError("SERIES_INCOMPLETE",
                      std::to_string(received.size()) + " instances came, the manifest " +
                          (manifest ? "names " + std::to_string(manifest->instances()) : "did not"),
                      "fetch the job again");
  return manifest->instances();
}

void receive_file(Connection& server, std::string const& job_id, qsm::v1::Artifact const& artifact,
                  fs::path const& folder, Patience const& patience) {
  ResultFile file(folder / artifact.name(), artifact);
  with_patience(patience, [&](auto const& got_on) {
    qsm::v1::ReadArtifactRequest request;
    request.set_job_id(job_id);
    request.set_name(artifact.name());
    request.set_offset(file.bytes());
    grpc::ClientContext context;
    auto const stream = server.results->ReadArtifact(&context, request);
    qsm::v1::DataChunk chunk;
    while (stream->Read(&chunk)) {
      if (chunk.offset() != file.bytes())
        throw FormatError("RESULT_DAMAGED", artifact.name() + " came with a gap");
      file.write(chunk.data());
      got_on();
    }
    check(stream->Finish());
  });
  file.finish();
}

/// Puts `from`/dicom in the place of `to`/dicom. What stood there must be an earlier series.
void replace_series(fs::path const& from, fs::path const& to) {
  if (fs::exists(to / "dicom")) {
    for (auto const& entry : fs::recursive_directory_iterator(to / "dicom"))
      if (!entry.is_directory() && (!entry.is_regular_file() || entry.path().extension() != ".dcm"))
        throw FormatError("OUTPUT_IN_USE",
                          (to / "dicom").string() + " holds " + entry.path().filename().string() +
                              ", which is not part of a series",
                          "name another folder with -o");
    fs::rename(to / "dicom", from / "replaced");
  }
  fs::rename(from / "dicom", to / "dicom");
}

}  // namespace

Fetched fetch_results(Connection& server, std::string const& job_id, fs::path const& folder,
                      Wanted wanted, Patience const& patience) try {
  qsm::v1::ListArtifactsRequest request;
  request.set_job_id(job_id);
  auto const list = call_with_patience<qsm::v1::ArtifactList>(
      patience, [&](grpc::ClientContext* context, qsm::v1::ArtifactList* response) {
        return server.results->ListArtifacts(context, request, response);
      });
  fs::path const incoming = folder / (".incoming-" + job_id);
  fs::remove_all(incoming);
  fs::create_directories(incoming);
  Fetched fetched;
  Stopwatch clock;
  if (wanted != Wanted::kNifti) {
    with_patience(patience, [&](auto const&) {
      fetched.instances = receive_series(server, job_id, incoming);
    });
    fetched.last_instance_s = clock.lap();
    if (fetched.instances > 0) replace_series(incoming, folder);
  }
  for (auto const& artifact : list.artifacts()) {
    bool const dicom = artifact.media_type() == kDicom;
    if (wanted == (dicom ? Wanted::kNifti : Wanted::kDicom)) continue;
    fetched.bytes += artifact.bytes();
    ++fetched.files;
    if (dicom) continue;
    check_name(artifact.name());
    receive_file(server, job_id, artifact, incoming, patience);
    fs::create_directories((folder / artifact.name()).parent_path());
    fs::rename(incoming / artifact.name(), folder / artifact.name());
  }
  fs::remove_all(incoming);
  return fetched;
} catch (fs::filesystem_error const& error) {
  throw FormatError("FILE_UNWRITABLE", error.what());
}

}  // namespace chistream
