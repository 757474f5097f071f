#include "formats/coverage.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "formats/format_error.hpp"

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

/// Which lines of one echo there are, over (y, z), y fastest.
struct Lines {
  std::uint32_t size_y;
  std::uint32_t size_z;
  std::vector<bool> seen;

  bool at(std::uint32_t y, std::uint32_t z) const { return seen[std::size_t{z} * size_y + y]; }

  /// The distance at which rows (or columns) that hold anything follow one another, if it is the
  /// same everywhere and above 1: the factor of a regularly undersampled scan.
  std::optional<std::uint32_t> spacing(bool along_y) const {
    std::uint32_t const n = along_y ? size_y : size_z;
    std::uint32_t const m = along_y ? size_z : size_y;
    std::vector<std::uint32_t> used;
    for (std::uint32_t i = 0; i < n; ++i)
      for (std::uint32_t j = 0; j < m; ++j)
        if (along_y ? at(i, j) : at(j, i)) {
          used.push_back(i);
          break;
        }
    if (used.size() < 2) return std::nullopt;
    std::uint32_t const step = used[1] - used[0];
    for (std::size_t i = 2; i < used.size(); ++i)
      if (used[i] - used[i - 1] != step) return std::nullopt;
    if (step < 2 || n - used.back() > step || used.front() >= step) return std::nullopt;
    return step;
  }
};

[[noreturn]] void refuse_undersampled(Lines const& lines, std::size_t echo, std::size_t missing) {
  std::string message = std::to_string(missing) + " of " + std::to_string(lines.seen.size()) +
                        " k-space lines of echo " + std::to_string(echo + 1) + " are missing";
  auto const along_y = lines.spacing(true);
  auto const along_z = lines.spacing(false);
  if (along_y || along_z)
    message += "; the scan is undersampled by R = " + std::to_string(along_y.value_or(1)) +
               " along y and R = " + std::to_string(along_z.value_or(1)) + " along z";
  throw FormatError("UNDERSAMPLED", message,
                    "send a fully sampled scan, or images reconstructed by the scanner");
}

}  // namespace

void check_lines(ContainerReader const& exam) {
  auto const& header = exam.header();
  auto const& encoded = header.encoded();
  if (!exam.image_blocks().empty())
    throw FormatError("BAD_RECORD", "an exam of k-space holds image blocks");
  std::vector<Lines> echoes(
      echoes_of(header),
      {encoded.y(), encoded.z(), std::vector<bool>(std::size_t{encoded.y()} * encoded.z())});
  std::size_t duplicates = 0;
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
    auto seen = echoes[head.echo].seen[std::size_t{head.line_z} * encoded.y() + head.line_y];
    duplicates += seen ? 1 : 0;
    seen = true;
  }
  if (duplicates > 0)
    throw FormatError("DUPLICATE_LINES", std::to_string(duplicates) + " of " +
                                             std::to_string(exam.acquisitions().size()) +
                                             " k-space lines were measured before");
  for (std::size_t e = 0; e < echoes.size(); ++e) {
    auto const missing =
        static_cast<std::size_t>(std::count(echoes[e].seen.begin(), echoes[e].seen.end(), false));
    if (missing > 0) refuse_undersampled(echoes[e], e, missing);
  }
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
