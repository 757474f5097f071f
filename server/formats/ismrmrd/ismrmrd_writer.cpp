#include "formats/ismrmrd/ismrmrd_writer.hpp"

#include <ismrmrd/xml.h>

#include <algorithm>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "formats/format_error.hpp"
#include "formats/ismrmrd/hdf5.hpp"
#include "formats/ismrmrd/xml.hpp"

namespace chistream {

using namespace ISMRMRD;

namespace {

constexpr char const* kUnwritable = "FILE_UNWRITABLE";
constexpr std::size_t kBlockBytes = 16u << 20;
constexpr hsize_t kRecordsPerChunk = 512;  // 190 KiB: within HDF5's chunk cache of 1 MiB

/// By bytes: the members of ISMRMRD's packed structures lie at any even address.
void set(void* out, qsm::v1::Vector3 const& v) {
  float const values[] = {static_cast<float>(v.x()), static_cast<float>(v.y()),
                          static_cast<float>(v.z())};
  std::memcpy(out, values, sizeof(values));
}

ISMRMRD_AcquisitionHeader make_head(qsm::v1::ExamHeader const& header) {
  ISMRMRD_AcquisitionHeader head;
  ismrmrd_init_acquisition_header(&head);
  auto const& g = header.geometry();
  set(head.position, centre_of(g));
  set(head.read_dir, g.x_direction_lps());
  set(head.phase_dir, g.y_direction_lps());
  set(head.slice_dir, g.z_direction_lps());
  head.number_of_samples = static_cast<std::uint16_t>(header.encoded().x());
  head.center_sample = static_cast<std::uint16_t>(header.encoded().x() / 2);
  head.available_channels = head.active_channels = static_cast<std::uint16_t>(header.coils());
  for (std::uint16_t c = 0; c < head.active_channels; ++c)
    ismrmrd_set_channel_on(head.channel_mask, c);
  return head;
}

}  // namespace

struct IsmrmrdWriter::State {
  H5Handle file;
  H5Handle data;
  H5Handle type;
  ISMRMRD_AcquisitionHeader prototype;
  std::size_t line_values = 0;  // complex samples of one acquisition
  std::size_t lines_per_block = 0;
  hsize_t written = 0;
  std::vector<ISMRMRD_AcquisitionHeader> heads;
  std::vector<std::complex<float>> samples;

  void flush();
};

IsmrmrdWriter::IsmrmrdWriter(std::filesystem::path const& path, qsm::v1::ExamHeader const& header)
    : state_(std::make_unique<State>()) {
  if (header.content() != qsm::v1::CONTENT_KIND_KSPACE)
    throw std::invalid_argument("an ISMRMRD data set holds k-space");
  quieten_hdf5();
  State& s = *state_;
  s.file = {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose, kUnwritable,
            "the ISMRMRD file"};
  H5Handle const group(H5Gcreate2(s.file, "dataset", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                       H5Gclose, kUnwritable, "the group");

  H5Handle const text_type(H5Tcopy(H5T_C_S1), H5Tclose, kUnwritable, "the text type");
  H5Tset_size(text_type, H5T_VARIABLE);
  hsize_t const one = 1;
  H5Handle const text_space(H5Screate_simple(1, &one, nullptr), H5Sclose, kUnwritable,
                            "the header");
  H5Handle const text(
      H5Dcreate2(group, "xml", text_type, text_space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
      H5Dclose, kUnwritable, "the header");
  std::ostringstream xml;
  serialize(xml_header_of(header), xml);
  std::string const content = xml.str();
  char const* pointer = content.c_str();
  H5Dwrite(text, text_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, static_cast<void const*>(&pointer));

  s.type = stored_acquisition_type();
  hsize_t const none = 0;
  hsize_t const unlimited = H5S_UNLIMITED;
  H5Handle const space(H5Screate_simple(1, &none, &unlimited), H5Sclose, kUnwritable, "the list");
  H5Handle const creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, kUnwritable, "the list");
  H5Pset_chunk(creation, 1, &kRecordsPerChunk);
  s.data = {H5Dcreate2(group, "data", s.type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose,
            kUnwritable, "the list"};
  s.prototype = make_head(header);
  s.line_values = std::size_t{header.encoded().x()} * header.coils();
  std::size_t const lines = kBlockBytes / (s.line_values * sizeof(std::complex<float>));
  s.lines_per_block = std::max<std::size_t>(lines / kRecordsPerChunk, 1) * kRecordsPerChunk;
}

IsmrmrdWriter::~IsmrmrdWriter() = default;

void IsmrmrdWriter::acquisition(qsm::container::AcquisitionHead const& head,
                                std::span<std::complex<float> const> samples) {
  State& s = *state_;
  if (samples.size() != s.line_values)
    throw std::logic_error("an acquisition has " + std::to_string(samples.size()) +
                           " samples, not " + std::to_string(s.line_values));
  auto& stored = s.heads.emplace_back(s.prototype);
  stored.scan_counter = static_cast<std::uint32_t>(s.written + s.heads.size());
  stored.idx.contrast = static_cast<std::uint16_t>(head.echo);
  stored.idx.kspace_encode_step_1 = static_cast<std::uint16_t>(head.line_y);
  stored.idx.kspace_encode_step_2 = static_cast<std::uint16_t>(head.line_z);
  s.samples.insert(s.samples.end(), samples.begin(), samples.end());
  if (s.heads.size() == s.lines_per_block) s.flush();
}

void IsmrmrdWriter::State::flush() {
  if (heads.empty()) return;
  std::vector<StoredAcquisition> block(heads.size());
  for (std::size_t i = 0; i < block.size(); ++i)
    block[i] = {heads[i], {0, nullptr}, {2 * line_values, samples.data() + i * line_values}};
  hsize_t const count = block.size();
  hsize_t const total = written + count;
  H5Dset_extent(data, &total);
  H5Handle const space(H5Dget_space(data), H5Sclose, kUnwritable, "the list");
  H5Handle const memory(H5Screate_simple(1, &count, nullptr), H5Sclose, kUnwritable, "a block");
  H5Sselect_hyperslab(space, H5S_SELECT_SET, &written, nullptr, &count, nullptr);
  if (H5Dwrite(data, type, memory, space, H5P_DEFAULT, block.data()) < 0)
    throw FormatError(kUnwritable,
                      "acquisitions from " + std::to_string(written) + " on cannot be written");
  written = total;
  heads.clear();
  samples.clear();
}

void IsmrmrdWriter::finish() {
  state_->flush();
  if (H5Fflush(state_->file, H5F_SCOPE_LOCAL) < 0)
    throw FormatError(kUnwritable, "the ISMRMRD file cannot be completed");
  state_ = nullptr;
}

}  // namespace chistream
