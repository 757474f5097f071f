#include "formats/ismrmrd/ismrmrd_reader.hpp"

#include <algorithm>

#include "formats/inspect.hpp"
#include "formats/ismrmrd/exam.hpp"
#include "formats/ismrmrd/xml.hpp"

namespace chistream {

void read_ismrmrd(std::filesystem::path const& path, NoiseSource const& noise,
                  ContainerWriter& out) {
  constexpr std::uint64_t kBlockBytes = 32u << 20;
  auto const opened = open_acquisitions(path);
  Acquisitions& file = *opened;
  auto const xml = parse_ismrmrd_xml(file.xml());
  qsm::v1::ExamHeader header = exam_header_of(xml);
  LinePlacement const placement = placement_of(xml.encoding[0], header.encoded());
  Survey found(placement);
  for_each_head(file, [&](std::uint64_t at, auto const& head) { found.add(at, head); });
  found.describe(header);
  found.check_echoes(header);
  header.set_records(found.lines());
  for (auto const& warning : found.warnings(header)) header.add_warnings(warning);
  check_header(header);
  LineWriter lines(
      placement,
      find_whitening(noise, {file, xml, found.first().sample_time_us, found.noise()}, header), out);
  out.header(header);
  std::uint64_t const at_once = std::max<std::uint64_t>(kBlockBytes / found.largest_line(), 1);
  for (std::uint64_t at = 0; at < file.acquisitions(); at += at_once)
    for (auto const& record : file.read(at, std::min(at_once, file.acquisitions() - at)))
      lines.write(record);
  out.end();
}

}  // namespace chistream
