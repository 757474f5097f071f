#include "small_exam.hpp"

#include <stdlib.h>

#include <cmath>
#include <fstream>

namespace chistream::test {

using namespace qsm::container;

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "chistream-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::filesystem::remove_all(path_);
}

qsm::v1::ExamHeader kspace_header() {
  qsm::v1::ExamHeader h;
  h.set_format_version(1);
  h.set_content(qsm::v1::CONTENT_KIND_KSPACE);
  auto const vector = [](qsm::v1::Vector3* v, double x, double y, double z) {
    v->set_x(x);
    v->set_y(y);
    v->set_z(z);
  };
  auto& g = *h.mutable_geometry();
  g.mutable_matrix()->set_x(7);
  g.mutable_matrix()->set_y(5);
  g.mutable_matrix()->set_z(6);
  vector(g.mutable_voxel_mm(), 1, 1.5, 2);
  vector(g.mutable_origin_lps_mm(), -12.5, 40.25, -71);
  vector(g.mutable_x_direction_lps(), 1, 0, 0);
  vector(g.mutable_y_direction_lps(), 0, 0.8, 0.6);
  vector(g.mutable_z_direction_lps(), 0, -0.6, 0.8);
  *h.mutable_encoded() = g.matrix();
  h.set_coils(2);
  for (double const te : {0.0036, 0.0081, 0.0126}) h.add_te_s(te);
  h.set_tr_s(0.031);
  h.set_flip_angle_deg(15);
  h.set_b0_t(3);
  h.set_frequency_hz(127'732'435);
  h.set_phase_sign(1);
  h.set_source_format("simulated");
  h.set_vendor("nobody");
  h.mutable_identity()->set_patient_name("Test^Case");
  h.mutable_identity()->set_patient_position("HFS");
  return h;
}

qsm::v1::ExamHeader image_header() {
  auto h = kspace_header();
  h.set_content(qsm::v1::CONTENT_KIND_IMAGES);
  h.clear_encoded();
  return h;
}

std::vector<std::complex<float>> line_samples(AcquisitionHead const& head) {
  std::vector<std::complex<float>> samples(std::size_t{head.coils} * head.samples);
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = {static_cast<float>(i + 1),
                  static_cast<float>(head.echo * 1000000 + head.line_z * 1000 + head.line_y)};
  return samples;
}

void for_each_line(qsm::v1::ExamHeader const& header,
                   std::function<void(AcquisitionHead)> const& write) {
  for (std::uint32_t e = 0; e < static_cast<std::uint32_t>(header.te_s_size()); ++e)
    for (std::uint32_t z = 0; z < header.encoded().z(); ++z)
      for (std::uint32_t y = 0; y < header.encoded().y(); ++y)
        write({e, y, z, header.coils(), header.encoded().x(), 0});
}

std::vector<std::byte> written_bytes(std::function<void(ContainerWriter&)> const& write) {
  std::vector<std::byte> bytes;
  ContainerWriter writer(
      [&](std::span<std::byte const> b) { bytes.insert(bytes.end(), b.begin(), b.end()); });
  write(writer);
  return bytes;
}

std::vector<std::byte> container_bytes(std::function<void(ContainerWriter&)> const& write) {
  std::uint64_t size = 0;
  auto const bytes = written_bytes([&](ContainerWriter& writer) {
    write(writer);
    size = writer.end();
  });
  EXPECT_EQ(size, bytes.size());
  return bytes;
}

std::vector<std::byte> whole_kspace(qsm::v1::ExamHeader const& header) {
  return container_bytes([&](ContainerWriter& out) {
    out.header(header);
    for_each_line(header, [&](AcquisitionHead head) { out.acquisition(head, line_samples(head)); });
  });
}

std::vector<std::byte> whole_images(qsm::v1::ExamHeader const& header) {
  return container_bytes([&](ContainerWriter& out) {
    out.header(header);
    auto const& m = header.geometry().matrix();
    std::vector<float> volume(std::size_t{m.x()} * m.y() * m.z());
    for (std::uint32_t e = 0; e < static_cast<std::uint32_t>(header.te_s_size()); ++e)
      for (std::uint32_t c = 0; c < header.coils(); ++c)
        for (std::uint32_t part : {1u, 2u}) {
          for (std::size_t i = 0; i < volume.size(); ++i)
            volume[i] = part == 1 ? 1.0F : 3.1F * std::sin(static_cast<float>(i));
          out.image_block({e, c, part, m.x(), m.y(), m.z()}, volume);
        }
  });
}

void save(std::filesystem::path const& path, std::vector<std::byte> const& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<char const*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

ContainerReader saved(TemporaryFolder const& folder, std::vector<std::byte> const& bytes) {
  save(folder / "exam.qsmexam", bytes);
  return ContainerReader(folder / "exam.qsmexam");
}

std::string reason_of(std::function<void()> const& f) {
  try {
    f();
    return "none";
  } catch (FormatError const& e) {
    EXPECT_STRNE(e.what(), "");
    return e.reason();
  }
}

}  // namespace chistream::test
