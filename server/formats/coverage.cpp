#include "formats/coverage.hpp"

#include <set>
#include <string>

#include "formats/format_error.hpp"
#include "formats/sampling.hpp"

namespace chistream {

using namespace qsm::container;

namespace {

std::uint32_t echoes_of(qsm::v1::ExamHeader const& header) {
  return static_cast<std::uint32_t>(header.te_s_size());
}

void check_place(qsm::v1::ExamHeader const& header, std::uint32_t echo, std::uint64_t coils) {
  if (echo >= echoes_of(header))
    throw FormatError("ECHO_COUNT_MISMATCH", "data of echo " + std::to_string(echo + 1) + " for " +
                                                 std::to_string(echoes_of(header)) + " echo times");
  if (coils > header.coils())
    throw FormatError("COIL_COUNT_MISMATCH", "data of " + std::to_string(coils) +
                                                 " coils in an exam of " +
                                                 std::to_string(header.coils()));
}

}  // namespace

std::vector<std::string> check_lines(ContainerReader const& exam) {
  auto const& header = exam.header();
  auto const& encoded = header.encoded();
  if (!exam.image_blocks().empty())
    throw FormatError("BAD_RECORD", "an exam of k-space holds image blocks");
  std::vector<SampledLines> echoes(echoes_of(header), {encoded.y(), encoded.z()});
  for (auto const& [head, crc, body] : exam.acquisitions()) {
    check_place(header, head.echo, head.coils);
    if (head.coils != header.coils())
      throw FormatError("COIL_COUNT_MISMATCH", "a k-space line of " + std::to_string(head.coils) +
                                                   " coils in an exam of " +
                                                   std::to_string(header.coils()));
    if (head.samples != encoded.x())
      throw FormatError("SAMPLES_MISMATCH", "a k-space line of " + std::to_string(head.samples) +
                                                " samples for a matrix of " +
                                                std::to_string(encoded.x()));
    if (head.line_y >= encoded.y() || head.line_z >= encoded.z())
      throw FormatError("LINE_OUT_OF_RANGE",
                        "k-space line (" + std::to_string(head.line_y) + ", " +
                            std::to_string(head.line_z) + ") lies outside the matrix of " +
                            std::to_string(encoded.y()) + " x " + std::to_string(encoded.z()));
    echoes[head.echo].add(head.line_y, head.line_z);
  }
  std::set<std::string> warnings;  // most scans say the same of every echo
  for (std::size_t e = 0; e < echoes.size(); ++e) {
    if (auto const text = echoes[e].describe(e); !text.empty()) warnings.insert(text);
    if (echoes[e].most_averages() > 1)
      warnings.insert("AVERAGES: lines were measured up to " +
                      std::to_string(echoes[e].most_averages()) + " times; their mean is used");
  }
  return {warnings.begin(), warnings.end()};
}

void check_blocks(ContainerReader const& exam) {
  auto const& header = exam.header();
  auto const& matrix = header.geometry().matrix();
  if (!exam.acquisitions().empty())
    throw FormatError("BAD_RECORD", "an exam of images holds k-space lines");
  std::vector<unsigned> seen(std::size_t{echoes_of(header)} * header.coils());  // bit per component
  for (auto const& [head, crc, body] : exam.image_blocks()) {
    check_place(header, head.echo, std::uint64_t{head.coil} + 1);
    if (head.size_x != matrix.x() || head.size_y != matrix.y() || head.size_z != matrix.z())
      throw FormatError("MATRIX_OUT_OF_RANGE", "an image block of " + std::to_string(head.size_x) +
                                                   " x " + std::to_string(head.size_y) + " x " +
                                                   std::to_string(head.size_z) +
                                                   " voxels in an exam of another size");
    unsigned& parts = seen[std::size_t{head.echo} * header.coils() + head.coil];
    unsigned const bit = 1u << head.component;
    if ((parts & bit) != 0)
      throw FormatError("DUPLICATE_BLOCKS", "echo " + std::to_string(head.echo + 1) + ", coil " +
                                                std::to_string(head.coil + 1) + " comes twice");
    parts |= bit;
  }
  constexpr unsigned kComplex = 1u << static_cast<unsigned>(Component::kComplex);
  constexpr unsigned kMagnitude = 1u << static_cast<unsigned>(Component::kMagnitude);
  constexpr unsigned kPhase = 1u << static_cast<unsigned>(Component::kPhase);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    std::string const place = "echo " + std::to_string(i / header.coils() + 1) + ", coil " +
                              std::to_string(i % header.coils() + 1);
    if (seen[i] == kComplex || seen[i] == (kMagnitude | kPhase)) continue;
    if ((seen[i] & kComplex) != 0)
      throw FormatError("DUPLICATE_BLOCKS", place + " comes as complex and as magnitude or phase");
    throw FormatError((seen[i] & kPhase) == 0 ? "MISSING_PHASE" : "MISSING_MAGNITUDE",
                      place + " has no " + ((seen[i] & kPhase) == 0 ? "phase" : "magnitude"));
  }
}

}  // namespace chistream
