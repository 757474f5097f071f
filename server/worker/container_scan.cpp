#include "worker/container_scan.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "device/error.hpp"

namespace chistream {

using qsm::container::Component;

namespace {

qsm::Grid grid_of(qsm::v1::Matrix const& m) {
  return {static_cast<int>(m.x()), static_cast<int>(m.y()), static_cast<int>(m.z())};
}

void require_record(bool ok, std::string const& what) {
  qsm::require(ok, "BAD_RECORD", what + " does not belong to the exam its header describes");
}

// The exam was inspected when it was committed; the disk may have changed a byte since.
template <class Record>
void require_intact(ContainerReader const& exam, Record const& record) {
  qsm::require(exam.intact(record), "RECORD_CRC_MISMATCH",
               "the exam has changed on the disk since it was committed");
}

}  // namespace

qsm::Vec3d b0_direction(qsm::v1::Geometry const& g) {
  return qsm::normalized(
      {g.x_direction_lps().z(), g.y_direction_lps().z(), g.z_direction_lps().z()});
}

qsm::ScanDescription describe_scan(qsm::v1::ExamHeader const& header) {
  auto const& g = header.geometry();
  bool const is_kspace = header.content() == qsm::v1::CONTENT_KIND_KSPACE;
  return {.matrix = grid_of(g.matrix()),
          .encoded = grid_of(is_kspace ? header.encoded() : g.matrix()),
          .voxel_mm = {g.voxel_mm().x(), g.voxel_mm().y(), g.voxel_mm().z()},
          .b0_direction = b0_direction(g),
          .te_s = {header.te_s().begin(), header.te_s().end()},
          .b0_t = header.b0_t(),
          .coils = static_cast<int>(header.coils()),
          .is_kspace = is_kspace,
          .phase_sign = header.phase_sign() < 0 ? -1 : 1,
          .bipolar_readout = header.bipolar_readout()};
}

ContainerScan::ContainerScan(ContainerReader const& exam)
    : exam_(exam), scan_(describe_scan(exam.header())) {
  scan_.is_kspace ? index_lines() : index_blocks();
}

void ContainerScan::index_lines() {
  qsm::Grid const k = scan_.encoded;
  std::size_t const lines = static_cast<std::size_t>(k.ny) * static_cast<std::size_t>(k.nz);
  lines_.resize(scan_.te_s.size());
  for (auto& echo : lines_) echo.hits.resize(lines);
  for (auto const& record : exam_.acquisitions()) {
    auto const& head = record.head;
    require_record(head.echo < lines_.size() &&
                       head.line_y < static_cast<std::uint32_t>(scan_.encoded.ny) &&
                       head.line_z < static_cast<std::uint32_t>(scan_.encoded.nz) &&
                       head.coils == static_cast<std::uint32_t>(scan_.coils) &&
                       head.samples == static_cast<std::uint32_t>(scan_.encoded.nx),
                   "an acquisition");
    EchoLines& echo = lines_[head.echo];
    echo.records.push_back(&record);
    auto& hits = echo.hits[head.line_y + std::size_t{head.line_z} * static_cast<std::size_t>(k.ny)];
    echo.averaged = ++hits > 1 || echo.averaged;
  }
}

void ContainerScan::index_blocks() {
  auto const coils = static_cast<std::size_t>(scan_.coils);
  images_.resize(coils * scan_.te_s.size());
  for (auto const& record : exam_.image_blocks()) {
    auto const& head = record.head;
    require_record(head.echo < scan_.te_s.size() && head.coil < coils &&
                       head.size_x == static_cast<std::uint32_t>(scan_.matrix.nx) &&
                       head.size_y == static_cast<std::uint32_t>(scan_.matrix.ny) &&
                       head.size_z == static_cast<std::uint32_t>(scan_.matrix.nz),
                   "an image block");
    CoilImage& image = images_[head.echo * coils + head.coil];
    switch (static_cast<Component>(head.component)) {
      case Component::kComplex:
        image.complex = &record;
        break;
      case Component::kMagnitude:
        image.magnitude = &record;
        break;
      case Component::kPhase:
        image.phase = &record;
        break;
    }
  }
}

void ContainerScan::read(int echo, int coil, std::span<qsm::Complex> volume) {
  bool const known = echo >= 0 && echo < static_cast<int>(scan_.te_s.size()) && coil >= 0 &&
                     coil < scan_.coils && volume.size() == scan_.encoded.size();
  qsm::require(known, "SHAPE_MISMATCH", "a volume was asked for that the exam does not hold");
  auto const e = static_cast<std::size_t>(echo), c = static_cast<std::size_t>(coil);
  scan_.is_kspace ? read_kspace(e, c, volume) : read_image(e, c, volume);
}

void ContainerScan::read_kspace(std::size_t echo, std::size_t coil,
                                std::span<qsm::Complex> volume) const {
  auto const samples = static_cast<std::size_t>(scan_.encoded.nx);
  EchoLines const& lines = lines_[echo];
  if (lines.averaged || lines.records.size() < volume.size() / samples)
    std::fill(volume.begin(), volume.end(), qsm::Complex{});
  std::vector<qsm::Complex> line(lines.averaged ? samples : 0);
  for (auto const* record : lines.records) {
    auto const& head = record->head;
    if (coil == 0) require_intact(exam_, *record);  // it holds the line of every coil
    std::size_t const at =
        head.line_y + std::size_t{head.line_z} * static_cast<std::size_t>(scan_.encoded.ny);
    qsm::Complex* const to = volume.data() + at * samples;
    std::byte const* const from =
        exam_.body(*record).data() + coil * samples * sizeof(qsm::Complex);
    if (!lines.averaged) {
      std::memcpy(static_cast<void*>(to), from, samples * sizeof(qsm::Complex));
      continue;
    }
    std::memcpy(static_cast<void*>(line.data()), from, samples * sizeof(qsm::Complex));
    float const share = 1 / static_cast<float>(lines.hits[at]);
    for (std::size_t x = 0; x < samples; ++x) to[x] = to[x] + share * line[x];
  }
}

void ContainerScan::read_image(std::size_t echo, std::size_t coil, std::span<qsm::Complex> volume) {
  CoilImage const& image = images_[echo * static_cast<std::size_t>(scan_.coils) + coil];
  if (image.complex) {
    require_intact(exam_, *image.complex);
    std::memcpy(static_cast<void*>(volume.data()), exam_.body(*image.complex).data(),
                volume.size_bytes());
    return;
  }
  qsm::require(image.magnitude && image.phase, "MISSING_BLOCK",
               "echo " + std::to_string(echo + 1) + " of coil " + std::to_string(coil + 1) +
                   " has no complete image");
  require_intact(exam_, *image.magnitude);
  require_intact(exam_, *image.phase);
  magnitude_.resize(volume.size());
  phase_.resize(volume.size());
  exam_.read(*image.magnitude, magnitude_);
  exam_.read(*image.phase, phase_);
  for (std::size_t n = 0; n < volume.size(); ++n)
    volume[n] = {magnitude_[n] * std::cos(phase_[n]), magnitude_[n] * std::sin(phase_[n])};
}

}  // namespace chistream
