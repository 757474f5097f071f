#include "formats/ismrmrd/noise.hpp"

#include <string>

#include "formats/format_error.hpp"
#include "formats/ismrmrd/lines.hpp"
#include "formats/ismrmrd/xml.hpp"

namespace chistream {

namespace {

/// (dwell of the image / dwell of the noise) x relative receiver bandwidth; what is not given
/// counts as 1 and is named in `assumed`.
double bandwidth_ratio(ISMRMRD::IsmrmrdHeader const& xml, float image_us, float noise_us,
                       std::string& assumed) {
  auto const plausible = [](double ratio) { return ratio > 1e-3 && ratio < 1e3; };
  double dwells = static_cast<double>(image_us) / static_cast<double>(noise_us);
  if (!plausible(dwells)) {
    dwells = 1;
    assumed += "; dwell times not given, taken as equal";
  }
  auto const& system = xml.acquisitionSystemInformation;
  double receiver = 0;
  if (system && system->relativeReceiverNoiseBandwidth)
    receiver = static_cast<double>(*system->relativeReceiverNoiseBandwidth);
  if (!plausible(receiver)) {
    receiver = 1;
    assumed += "; relative receiver bandwidth not given, taken as 1";
  }
  return dwells * receiver;
}

/// `file` and `xml` of the noise scan. Throws FormatError NOISE_CHANNELS, NOISE_TOO_SHORT,
/// NOISE_EMPTY.
Whitening make_whitening(NoisyExam const& exam, Acquisitions& file,
                         ISMRMRD::IsmrmrdHeader const& xml, std::vector<NoiseLine> const& lines,
                         qsm::v1::ExamHeader& header) {
  NoiseScan noise(header.coils());
  for (auto const& line : lines) {
    if (line.head.active_channels != header.coils())
      throw FormatError("NOISE_CHANNELS",
                        "the noise scan has " + std::to_string(line.head.active_channels) +
                            " channels, the image " + std::to_string(header.coils()));
    noise.add(samples_of(file.read(line.at, 1).front()));
  }
  std::string assumed;
  double const ratio =
      bandwidth_ratio(xml, exam.dwell_us, lines.front().head.sample_time_us, assumed);
  Whitening whitening(noise, ratio);
  header.set_whitened(true);
  header.set_coils(static_cast<std::uint32_t>(whitening.channels()));
  header.add_warnings("WHITENED: by " + std::to_string(noise.samples()) + " noise samples" +
                      assumed);
  if (noise.left_out() > 0)
    header.add_warnings("NOISE_NOT_FINITE: " + std::to_string(noise.left_out()) +
                        " noise samples were left out");
  for (auto const channel : whitening.dropped())
    header.add_warnings("DEAD_CHANNEL: channel " + std::to_string(channel + 1) +
                        " holds no noise and was dropped");
  if (whitening.regularised())
    header.add_warnings("DUPLICATE_CHANNELS: two channels hold the same noise");
  return whitening;
}

/// The measurement that the exam names as its noise scan; empty where it names none.
std::string named_noise_scan(ISMRMRD::IsmrmrdHeader const& xml) {
  if (!xml.measurementInformation) return {};
  for (auto const& needed : xml.measurementInformation->measurementDependency)
    if (needed.dependencyType == "Noise" || needed.dependencyType == "noise")
      return needed.measurementID;
  return {};
}

Whitening whitening_of_file(std::filesystem::path const& path, NoisyExam const& exam,
                            qsm::v1::ExamHeader& header) {
  auto const opened = open_acquisitions(path);
  Acquisitions& file = *opened;
  auto const xml = parse_ismrmrd_xml(file.xml());
  std::vector<NoiseLine> lines;
  for_each_head(file, [&](std::uint64_t at, ISMRMRD::ISMRMRD_AcquisitionHeader const& head) {
    if (is_noise(head)) lines.push_back({at, head});
  });
  if (lines.empty())
    throw FormatError("NOISE_MISSING", path.filename().string() + " holds no noise lines",
                      "name the file of the noise scan, or leave --noise out");
  auto const wanted = named_noise_scan(exam.xml);
  std::string const given = xml.measurementInformation && xml.measurementInformation->measurementID
                                ? *xml.measurementInformation->measurementID
                                : "";
  if (!wanted.empty() && !given.empty() && wanted != given)
    header.add_warnings("NOISE_OF_ANOTHER_SCAN: the exam names measurement " + wanted +
                        " as its noise scan, the one given is " + given);
  if (!exam.noise.empty())
    header.add_warnings("NOISE_NOT_USED: the exam's own noise scan, another being given");
  return make_whitening(exam, file, xml, lines, header);
}

}  // namespace

std::optional<Whitening> find_whitening(NoiseSource const& source, NoisyExam const& exam,
                                        qsm::v1::ExamHeader& header) {
  if (!source.file.empty()) try {
      return whitening_of_file(source.file, exam, header);
    } catch (FormatError const& e) {
      throw FormatError(e.reason(), "the noise scan: " + std::string(e.what()), e.hint());
    }
  if (exam.noise.empty()) {
    if (auto const wanted = named_noise_scan(exam.xml); source.whiten && !wanted.empty())
      header.add_warnings("NOISE_NOT_GIVEN: the exam names measurement " + wanted +
                          " as its noise scan; --noise takes its file");
    return std::nullopt;
  }
  try {
    if (source.whiten) return make_whitening(exam, exam.file, exam.xml, exam.noise, header);
    header.add_warnings("NOISE_NOT_USED: whitening is switched off");
  } catch (FormatError const& e) {
    if (!e.reason().starts_with("NOISE_")) throw;
    header.add_warnings("NOISE_NOT_USED: " + std::string(e.what()));
  }
  return std::nullopt;
}

}  // namespace chistream
