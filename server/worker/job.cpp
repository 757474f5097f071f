#include "worker/job.hpp"

#include <algorithm>
#include <chrono>

#include "container/sha256.hpp"
#include "device/control.hpp"
#include "formats/series_kind.hpp"
#include "worker/catalogue.hpp"
#include "worker/container_scan.hpp"
#include "worker/deidentify.hpp"
#include "worker/dicom_identity.hpp"
#include "worker/dicom_report.hpp"
#include "worker/memory_peak.hpp"
#include "worker/overrides.hpp"
#include "worker/report.hpp"

namespace chistream {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

qsm::v1::StageTime stage_time(std::string const& stage, double seconds) {
  qsm::v1::StageTime time;
  time.set_stage(stage);
  time.set_seconds(seconds);
  return time;
}

qsm::v1::Progress to_message(qsm::PipelineProgress const& progress, double elapsed_s) {
  qsm::v1::Progress message;
  message.set_stage(progress.stage);
  message.set_stage_index(static_cast<std::uint32_t>(progress.stage_index));
  message.set_stages(static_cast<std::uint32_t>(qsm::stage_names().size()));
  message.set_iteration(static_cast<std::uint32_t>(progress.iteration.iteration));
  message.set_max_iterations(static_cast<std::uint32_t>(progress.iteration.max_iterations));
  message.set_residual(progress.iteration.residual);
  message.set_elapsed_s(elapsed_s);
  return message;
}

/// An allocation beyond the machine's memory is not refused by the system but kills a process
/// later.
void require_room(qsm::ScanDescription const& scan, qsm::PipelineOptions const& options,
                  qsm::DeviceInfo const& device) {
  auto const needed = qsm::estimate_peak_bytes(scan, options);
  qsm::require(needed <= device.memory_bytes, "DOES_NOT_FIT",
               "the reconstruction needs about " + std::to_string((needed >> 20) + 1) +
                   " MiB, more than the " + std::to_string(device.memory_bytes >> 20) + " MiB of " +
                   device.name);
}

bool asks_for(qsm::v1::JobSpec const& spec, qsm::v1::SeriesKind kind) {
  return std::find(spec.series().begin(), spec.series().end(), kind) != spec.series().end();
}

bool asks_for(qsm::v1::JobSpec const& spec, qsm::v1::DicomObject object) {
  return std::find(spec.objects().begin(), spec.objects().end(), object) != spec.objects().end();
}

SeriesDescription describe_series(JobInput const& input, qsm::v1::ExamHeader const& header,
                                  qsm::Preset const& preset, qsm::PipelineOptions const& options) {
  SeriesDescription series;
  series.exam = header;
  *series.exam.mutable_identity() = merged(header.identity(), input.spec.identity());
  series.deidentified = input.spec.deidentify();
  if (series.deidentified) deidentify(series.exam, input.input_sha256);
  series.provenance = {input.input_sha256, input.job_id, full_name(preset),
                       qsm::container::sha256_hex(parameters_json(options))};
  series.created_at_unix_s = series.deidentified ? 0 : input.created_at_unix_s;
  if (input.spec.qualification() != qsm::v1::CONTENT_QUALIFICATION_UNSPECIFIED)
    series.qualification = input.spec.qualification();
  series.software_version = kVersion;
  series.reference = reference_name(options);
  for (int const object : input.spec.objects())
    series.objects.push_back(static_cast<qsm::v1::DicomObject>(object));
  return series;
}

/// The susceptibility, and what else the job was asked for: each once, in the order of the kinds.
std::vector<SeriesDescription> all_descriptions(SeriesDescription const& susceptibility,
                                                qsm::v1::JobSpec const& spec,
                                                qsm::PipelineOptions const& options) {
  std::vector<SeriesDescription> all{susceptibility};
  for (auto const kind : all_series()) {
    if (kind == susceptibility.kind || !asks_for(spec, kind)) continue;
    all.push_back(susceptibility);
    all.back().kind = kind;
    all.back().reference.clear();
    all.back().derivation = derivation_line(kind, options);
  }
  return all;
}

}  // namespace

qsm::PipelineOptions options_of(qsm::v1::JobSpec const& spec) {
  qsm::PipelineOptions options = find_preset(spec.pipeline()).options;
  for (auto const& change : spec.overrides()) apply(options, change);
  options.extra.field_noise = asks_for(spec, qsm::v1::SERIES_KIND_FIELD_NOISE);
  options.extra.quality = asks_for(spec, qsm::v1::SERIES_KIND_QUALITY);
  options.extra.uncertainty = asks_for(spec, qsm::v1::SERIES_KIND_UNCERTAINTY);
  return options;
}

JobOutcome run_job(qsm::ThisDevice const& device, JobInput const& input, ArtifactSink const& sink,
                   std::stop_token stop, ProgressSink const& on_progress) {
  auto const begin = Clock::now();
  reset_memory_peak();
  qsm::Preset const& preset = find_preset(input.spec.pipeline());
  qsm::PipelineOptions const options = options_of(input.spec);

  ContainerReader const exam(input.container);
  SeriesDescription series = describe_series(input, exam.header(), preset, options);
  check_identity(series.exam.identity());

  ContainerScan source(exam);
  auto const scan = describe_scan(exam.header());
  qsm::DeviceInfo const info = device_at(input.device_index);
  require_room(scan, options, info);
  qsm::Reconstruction const result = qsm::reconstruct(
      device, scan, source, options, stop,
      [&](qsm::PipelineProgress const& p) { on_progress(to_message(p, seconds_since(begin))); });

  auto const computed = Clock::now();
  series.derivation = inversion_line(options, result.inversion_alpha);
  JobOutcome outcome;
  ArtifactSink const counted = [&](qsm::v1::Artifact const& head, std::string_view bytes) {
    qsm::Control{.stop = stop, .on_iteration = {}}.check_cancelled();
    sink(head, bytes);
    ++outcome.artifacts;
  };
  auto const stored = put_result(all_descriptions(series, input.spec, options), result, counted);
  outcome.warnings = result.warnings;
  outcome.warnings.insert(outcome.warnings.end(), stored.warnings.begin(), stored.warnings.end());
  ReportInput const report{
      series, options, result, outcome.warnings, info.kind, info.name, stored.saturated_voxels};
  put_report(make_report(report), counted);
  if (asks_for(input.spec, qsm::v1::DICOM_OBJECT_REPORT))
    put_instance(write_dicom_report(report), counted);

  for (auto const& stage : result.stage_seconds)
    outcome.stage_times.push_back(stage_time(stage.stage, stage.seconds));
  outcome.stage_times.push_back(stage_time("store", seconds_since(computed)));
  outcome.peak_bytes = memory_peak() + (info.kind == "cuda" ? result.peak_device_bytes : 0);
  return outcome;
}

}  // namespace chistream
