#include "formats/inspect.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <numbers>
#include <string>
#include <thread>

#include "formats/coverage.hpp"
#include "formats/format_error.hpp"
#include "formats/sample_scan.hpp"

namespace chistream {

using namespace qsm::container;

namespace {

/// What a scan of all samples found.
struct Findings {
  std::vector<SampleScan> echoes;
  Extent phase;
  std::uint64_t damaged = 0;  // records whose CRC does not fit

  explicit Findings(int n) : echoes(static_cast<std::size_t>(n)) {}
  void merge(Findings const& other) {
    for (std::size_t e = 0; e < echoes.size(); ++e) echoes[e].merge(other.echoes[e]);
    phase.merge(other.phase);
    damaged += other.damaged;
  }
};

template <class Record>
void scan_record(ContainerReader const& exam, Record const& record, Findings& findings) {
  auto const body = exam.body(record);
  if (!exam.intact(record)) ++findings.damaged;
  findings.echoes[record.head.echo].merge(scan_samples(body));
  if constexpr (std::is_same_v<Record, ImageBlockRecord>)
    if (static_cast<Component>(record.head.component) == Component::kPhase)
      findings.phase.merge(extent_of(body));
}

/// Threads take records in runs, in file order, so that the file is read ahead well.
template <class Record>
Findings scan(ContainerReader const& exam, std::vector<Record> const& records, unsigned threads) {
  constexpr std::size_t kRun = std::is_same_v<Record, ImageBlockRecord> ? 1 : 256;
  std::atomic<std::size_t> next{0};
  std::vector<Findings> found(std::max(threads, 1u), Findings(exam.header().te_s_size()));
  {
    std::vector<std::jthread> workers;
    for (auto& mine : found)
      workers.emplace_back([&] {
        for (std::size_t at; (at = next.fetch_add(kRun)) < records.size();)
          for (std::size_t i = at; i < std::min(at + kRun, records.size()); ++i)
            scan_record(exam, records[i], mine);
      });
  }
  for (std::size_t t = 1; t < found.size(); ++t) found[0].merge(found[t]);
  return found[0];
}

void judge(Findings const& findings) {
  if (findings.damaged > 0)
    throw FormatError("RECORD_CRC_MISMATCH",
                      std::to_string(findings.damaged) + " records are damaged",
                      "send the exam again");
  std::uint64_t non_finite = 0;
  for (auto const& echo : findings.echoes) non_finite += echo.non_finite;
  if (non_finite > 0)
    throw FormatError("NON_FINITE_SAMPLES",
                      std::to_string(non_finite) + " values are NaN or infinite");
  for (std::size_t e = 0; e < findings.echoes.size(); ++e)
    if (!findings.echoes[e].any_nonzero)
      throw FormatError("ALL_ZERO_SAMPLES",
                        "every sample of echo " + std::to_string(e + 1) + " is zero");
}

/// Phase must be radians within one turn; data scaled by its own minimum and maximum is not.
void judge_phase(Extent const& phase, qsm::v1::InputSummary& summary) {
  constexpr float kPi = std::numbers::pi_v<float>;
  if (phase.maximum < phase.minimum) return;  // no phase block: complex data
  float const largest = std::max(std::abs(phase.minimum), std::abs(phase.maximum));
  if (largest > kPi * 1.001F)
    throw FormatError("PHASE_OUT_OF_RANGE",
                      "the phase reaches " + std::to_string(largest) + " rad, beyond pi",
                      "give the phase units, and send wrapped phase");
  if (phase.maximum - phase.minimum < 1.8F * kPi)
    summary.add_warnings("PHASE_SPAN_SMALL: the phase spans " +
                         std::to_string(phase.maximum - phase.minimum) +
                         " rad; wrapped phase spans 2 pi");
}

}  // namespace

qsm::v1::InputSummary inspect(ContainerReader const& exam, unsigned threads) {
  auto const& header = exam.header();
  check_header(header);
  bool const kspace = header.content() == qsm::v1::CONTENT_KIND_KSPACE;
  std::size_t const records = exam.acquisitions().size() + exam.image_blocks().size();
  if (header.records() != 0 && header.records() != records)
    throw FormatError("HEADER_PROMISES_MORE",
                      "the header promises " + std::to_string(header.records()) +
                          " records, the container holds " + std::to_string(records));
  std::vector<std::string> sampling;
  if (kspace)
    sampling = check_lines(exam);
  else
    check_blocks(exam);
  Findings const findings =
      kspace ? scan(exam, exam.acquisitions(), threads) : scan(exam, exam.image_blocks(), threads);
  judge(findings);

  qsm::v1::InputSummary summary;
  summary.set_content(header.content());
  *summary.mutable_geometry() = header.geometry();
  summary.set_echoes(static_cast<std::uint32_t>(header.te_s_size()));
  summary.set_coils(header.coils());
  *summary.mutable_te_s() = header.te_s();
  summary.set_b0_t(header.b0_t());
  summary.set_vendor(header.vendor());
  summary.set_bytes(exam.bytes());
  *summary.mutable_warnings() = header.warnings();
  for (auto const& warning : sampling) summary.add_warnings(warning);
  if (header.te_s_size() == 1)
    summary.add_warnings(
        "SINGLE_ECHO: one echo; phase offsets of the coils cannot be told from the field");
  judge_phase(findings.phase, summary);
  return summary;
}

}  // namespace chistream
