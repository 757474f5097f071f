#include "formats/ismrmrd_noise.hpp"

#include <string>

#include "formats/format_error.hpp"

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

}  // namespace

std::optional<Whitening> make_whitening(IsmrmrdFile& file, ISMRMRD::IsmrmrdHeader const& xml,
                                        float image_dwell_us, std::vector<NoiseLine> const& lines,
                                        qsm::v1::ExamHeader& header) {
  NoiseScan noise(header.coils());
  for (auto const& line : lines) {
    if (line.head.active_channels != header.coils()) {
      header.add_warnings("NOISE_NOT_USED: the noise scan has " +
                          std::to_string(line.head.active_channels) + " channels, the image " +
                          std::to_string(header.coils()));
      return std::nullopt;
    }
    noise.add(samples_of(file.read(line.at, 1).front()));
  }
  try {
    std::string assumed;
    double const ratio =
        bandwidth_ratio(xml, image_dwell_us, lines.front().head.sample_time_us, assumed);
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
  } catch (FormatError const& e) {
    header.add_warnings("NOISE_NOT_USED: " + std::string(e.what()));
    return std::nullopt;
  }
}

}  // namespace chistream
