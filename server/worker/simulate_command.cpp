// `simulate`: a head scan as raw multi-coil k-space (ISMRMRD), and the truth behind it (NIfTI).
#include <fstream>
#include <nlohmann/json.hpp>

#include "formats/format_error.hpp"
#include "formats/ismrmrd/ismrmrd_writer.hpp"
#include "formats/nifti.hpp"
#include "simulate/scan.hpp"
#include "worker/catalogue.hpp"
#include "worker/commands.hpp"

namespace chistream {

namespace {

namespace fs = std::filesystem;

struct SimulateOptions {
  qsm::ScanOptions scan;
  std::vector<int> matrix;
  std::vector<double> voxel_mm;
  std::vector<double> oblique_degrees;
  fs::path out;
  fs::path truth;
  int threads = 0;
};

void set(qsm::v1::Vector3& to, qsm::Vec3d const& from) {
  to.set_x(from.x);
  to.set_y(from.y);
  to.set_z(from.z);
}

qsm::v1::ExamHeader header_of(qsm::ScanOptions const& options, qsm::ScanGeometry const& geometry) {
  qsm::v1::ExamHeader header;
  header.set_format_version(1);
  header.set_content(qsm::v1::CONTENT_KIND_KSPACE);
  auto& g = *header.mutable_geometry();
  g.mutable_matrix()->set_x(static_cast<std::uint32_t>(geometry.grid.nx));
  g.mutable_matrix()->set_y(static_cast<std::uint32_t>(geometry.grid.ny));
  g.mutable_matrix()->set_z(static_cast<std::uint32_t>(geometry.grid.nz));
  *header.mutable_encoded() = g.matrix();
  set(*g.mutable_voxel_mm(), geometry.voxel_mm);
  set(*g.mutable_origin_lps_mm(), geometry.origin_lps_mm);
  set(*g.mutable_x_direction_lps(), geometry.axes.x);
  set(*g.mutable_y_direction_lps(), geometry.axes.y);
  set(*g.mutable_z_direction_lps(), geometry.axes.z);
  header.set_coils(static_cast<std::uint32_t>(options.coils));
  header.mutable_te_s()->Assign(options.te_s.begin(), options.te_s.end());
  header.set_b0_t(options.b0_t);
  header.set_frequency_hz(1e6 * qsm::kGammaBar * options.b0_t);
  header.set_source_format("simulated");
  return header;
}

using KSpace = std::vector<std::vector<qsm::Complex>>;  // [echo * coils + coil]

/// The k-space of every echo and coil: a line of the file needs all of them, and a volume is
/// transformed as a whole.
KSpace acquire(qsm::ThisDevice const& device, qsm::HeadScan<qsm::ThisDevice>& scan) {
  auto const& options = scan.options();
  KSpace volumes;
  qsm::Buffer<qsm::ThisDevice, qsm::Complex> volume(device, options.matrix);
  for (int echo = 0; echo < static_cast<int>(options.te_s.size()); ++echo)
    for (int coil = 0; coil < options.coils; ++coil) {
      scan.coil_kspace(echo, coil, volume.field());
      volumes.push_back(volume.to_host());
    }
  return volumes;
}

/// Lines in the order of a 3-D multi-echo sequence: partitions, then lines, each with every echo.
void write_scan(fs::path const& path, qsm::v1::ExamHeader const& header, KSpace const& kspace) {
  IsmrmrdWriter writer(path, header);
  auto const& m = header.encoded();
  std::size_t const samples = m.x(), coils = header.coils();
  auto const echoes = static_cast<std::uint32_t>(header.te_s_size());
  std::vector<std::complex<float>> line(coils * samples);
  for (std::uint32_t z = 0; z < m.z(); ++z)
    for (std::uint32_t y = 0; y < m.y(); ++y)
      for (std::uint32_t echo = 0; echo < echoes; ++echo) {
        std::size_t const start = samples * (y + std::size_t{m.y()} * z);
        for (std::size_t coil = 0; coil < coils; ++coil)
          for (std::size_t x = 0; x < samples; ++x) {
            qsm::Complex const sample = kspace[echo * coils + coil][start + x];
            line[coil * samples + x] = {sample.re, sample.im};
          }
        writer.acquisition({.echo = echo,
                            .line_y = y,
                            .line_z = z,
                            .coils = header.coils(),
                            .samples = m.x(),
                            .reserved = 0},
                           line);
      }
  writer.finish();
}

void write_truth(fs::path const& folder, qsm::v1::ExamHeader const& header,
                 qsm::HeadScan<qsm::ThisDevice> const& scan) {
  fs::create_directories(folder);
  auto const& g = header.geometry();
  auto const& truth = scan.truth();
  write_nifti(folder / "chi.nii.gz", g, truth.chi_ppm.to_host());
  write_nifti(folder / "labels.nii.gz", g, truth.labels.to_host());
  write_nifti(folder / "mask.nii.gz", g, truth.mask.to_host());
  write_nifti(folder / "local_field.nii.gz", g, truth.local_field_ppm.to_host());
  write_nifti(folder / "total_field.nii.gz", g, truth.total_field_ppm.to_host());
  write_nifti(folder / "magnitude.nii.gz", g, truth.magnitude.to_host());
  write_nifti(folder / "r2s.nii.gz", g, truth.r2s.to_host());

  auto const& o = scan.options();
  auto const b0 = scan.geometry().b0_direction();
  nlohmann::ordered_json const json = {{"software", {{"name", kSoftware}, {"version", kVersion}}},
                                       {"matrix", {o.matrix.nx, o.matrix.ny, o.matrix.nz}},
                                       {"voxel_mm", {o.voxel_mm.x, o.voxel_mm.y, o.voxel_mm.z}},
                                       {"b0_direction", {b0.x, b0.y, b0.z}},
                                       {"b0_t", o.b0_t},
                                       {"te_s", o.te_s},
                                       {"coils", o.coils},
                                       {"snr", o.snr},
                                       {"noise_sigma", scan.noise_sigma()},
                                       {"seed", o.seed},
                                       {"head_seed", o.head.seed},
                                       {"head_scale", o.head.scale},
                                       {"oversampling", o.oversampling},
                                       {"chi_reference", "water"},
                                       {"field_unit", "ppm of B0"}};
  std::ofstream file(folder / "truth.json");
  file << json.dump(2) << '\n';
  file.close();
  if (!file) throw FormatError("FILE_UNWRITABLE", "cannot write truth.json");
}

int simulate(SimulateOptions& o) {
  use_threads(o.threads);
  if (!o.matrix.empty()) o.scan.matrix = {o.matrix[0], o.matrix[1], o.matrix[2]};
  if (!o.voxel_mm.empty()) o.scan.voxel_mm = {o.voxel_mm[0], o.voxel_mm[1], o.voxel_mm[2]};
  if (!o.oblique_degrees.empty())
    o.scan.axes = qsm::oblique_axes(o.oblique_degrees[0],
                                    o.oblique_degrees.size() > 1 ? o.oblique_degrees[1] : 0);
  qsm::ThisDevice const device(first_device().index);
  qsm::HeadScan<qsm::ThisDevice> scan(device, o.scan);
  auto const header = header_of(scan.options(), scan.geometry());
  if (!o.truth.empty()) write_truth(o.truth, header, scan);
  write_scan(o.out, header, acquire(device, scan));
  return 0;
}

}  // namespace

Command add_simulate(CLI::App& program) {
  auto* const app =
      program.add_subcommand("simulate", "Simulate a multi-coil multi-echo head scan");
  auto const o = std::make_shared<SimulateOptions>();
  app->add_option("-o,--out", o->out, "ISMRMRD file to write (.h5)")->required();
  app->add_option("--truth", o->truth, "folder for the true maps");
  app->add_option("--matrix", o->matrix, "voxels along x, y, z")->expected(3);
  app->add_option("--voxel", o->voxel_mm, "voxel size [mm]")->expected(3);
  app->add_option("--coils", o->scan.coils, "receive channels")->capture_default_str();
  app->add_option("--te", o->scan.te_s, "echo times [s]")->capture_default_str();
  app->add_option("--b0", o->scan.b0_t, "field strength [T]")->capture_default_str();
  app->add_option("--snr", o->scan.snr, "of the combined first echo in white matter; inf: no noise")
      ->capture_default_str();
  app->add_option("--seed", o->scan.seed, "of noise and shim")->capture_default_str();
  app->add_option("--head-seed", o->scan.head.seed, "of the anatomy")->capture_default_str();
  app->add_option("--head-scale", o->scan.head.scale, "size of the head")->capture_default_str();
  app->add_option("--oversampling", o->scan.oversampling, "cells per voxel edge")
      ->capture_default_str();
  app->add_option("--oblique", o->oblique_degrees, "tilt, and turn, of the volume [degrees]")
      ->expected(1, 2);
  app->add_option("--threads", o->threads, "of the processor; 0: all")->capture_default_str();
  return {app, [o] { return simulate(*o); }};
}

}  // namespace chistream
