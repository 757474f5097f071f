#include "formats/ismrmrd/hdf5.hpp"

#include <algorithm>

#include "formats/format_error.hpp"

namespace chistream {

using ISMRMRD::ISMRMRD_AcquisitionHeader;
using ISMRMRD::ISMRMRD_EncodingCounters;

namespace {

constexpr char const* kNot = "NOT_ISMRMRD";
constexpr hsize_t kMaxXmlBytes = 16u << 20;

H5Handle compound(std::size_t size) {
  return {H5Tcreate(H5T_COMPOUND, size), H5Tclose, kNot, "a type"};
}

void insert(hid_t compound, char const* name, std::size_t offset, hid_t type, hsize_t count = 1) {
  if (count == 1) {
    H5Tinsert(compound, name, offset, type);
    return;
  }
  H5Handle const array(H5Tarray_create2(type, 1, &count), H5Tclose, kNot, "an array type");
  H5Tinsert(compound, name, offset, array);
}

H5Handle counters_type() {
  H5Handle type = compound(sizeof(ISMRMRD_EncodingCounters));
  char const* const names[] = {"kspace_encode_step_1",
                               "kspace_encode_step_2",
                               "average",
                               "slice",
                               "contrast",
                               "phase",
                               "repetition",
                               "set",
                               "segment"};
  std::size_t offset = 0;
  for (char const* name : names) {
    insert(type, name, offset, H5T_NATIVE_UINT16);
    offset += sizeof(std::uint16_t);
  }
  insert(type, "user", offset, H5T_NATIVE_UINT16, ISMRMRD::ISMRMRD_USER_INTS);
  return type;
}

H5Handle head_type() {
  using H = ISMRMRD_AcquisitionHeader;
  H5Handle type = compound(sizeof(H));
  insert(type, "version", offsetof(H, version), H5T_NATIVE_UINT16);
  insert(type, "flags", offsetof(H, flags), H5T_NATIVE_UINT64);
  insert(type, "measurement_uid", offsetof(H, measurement_uid), H5T_NATIVE_UINT32);
  insert(type, "scan_counter", offsetof(H, scan_counter), H5T_NATIVE_UINT32);
  insert(type, "acquisition_time_stamp", offsetof(H, acquisition_time_stamp), H5T_NATIVE_UINT32);
  insert(type, "physiology_time_stamp", offsetof(H, physiology_time_stamp), H5T_NATIVE_UINT32,
         ISMRMRD::ISMRMRD_PHYS_STAMPS);
  insert(type, "number_of_samples", offsetof(H, number_of_samples), H5T_NATIVE_UINT16);
  insert(type, "available_channels", offsetof(H, available_channels), H5T_NATIVE_UINT16);
  insert(type, "active_channels", offsetof(H, active_channels), H5T_NATIVE_UINT16);
  insert(type, "channel_mask", offsetof(H, channel_mask), H5T_NATIVE_UINT64,
         ISMRMRD::ISMRMRD_CHANNEL_MASKS);
  insert(type, "discard_pre", offsetof(H, discard_pre), H5T_NATIVE_UINT16);
  insert(type, "discard_post", offsetof(H, discard_post), H5T_NATIVE_UINT16);
  insert(type, "center_sample", offsetof(H, center_sample), H5T_NATIVE_UINT16);
  insert(type, "encoding_space_ref", offsetof(H, encoding_space_ref), H5T_NATIVE_UINT16);
  insert(type, "trajectory_dimensions", offsetof(H, trajectory_dimensions), H5T_NATIVE_UINT16);
  insert(type, "sample_time_us", offsetof(H, sample_time_us), H5T_NATIVE_FLOAT);
  insert(type, "position", offsetof(H, position), H5T_NATIVE_FLOAT, 3);
  insert(type, "read_dir", offsetof(H, read_dir), H5T_NATIVE_FLOAT, 3);
  insert(type, "phase_dir", offsetof(H, phase_dir), H5T_NATIVE_FLOAT, 3);
  insert(type, "slice_dir", offsetof(H, slice_dir), H5T_NATIVE_FLOAT, 3);
  insert(type, "patient_table_position", offsetof(H, patient_table_position), H5T_NATIVE_FLOAT, 3);
  insert(type, "idx", offsetof(H, idx), counters_type());
  insert(type, "user_int", offsetof(H, user_int), H5T_NATIVE_INT32, ISMRMRD::ISMRMRD_USER_INTS);
  insert(type, "user_float", offsetof(H, user_float), H5T_NATIVE_FLOAT,
         ISMRMRD::ISMRMRD_USER_FLOATS);
  return type;
}

H5Handle dataset(hid_t file, char const* group, char const* name) {
  for (char const* path : {group, name}) {
    H5L_info_t info{};
    if (H5Lget_info(file, path, &info, H5P_DEFAULT) < 0 || info.type != H5L_TYPE_HARD)
      throw FormatError(kNot, std::string("the HDF5 file has no ") + path + " of its own");
  }
  H5Handle data(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose, kNot, name);
  H5Handle const creation(H5Dget_create_plist(data), H5Pclose, kNot, name);
  if (H5Pget_external_count(creation) != 0)
    throw FormatError(kNot, std::string("the HDF5 file keeps ") + name + " in another file");
  return data;
}

}  // namespace

H5Handle::H5Handle(hid_t id, herr_t (*close)(hid_t), char const* reason, char const* what)
    : id_(id), close_(close) {
  if (id < 0) throw FormatError(reason, std::string("HDF5 cannot open or create ") + what);
}

H5Handle::~H5Handle() {
  if (id_ >= 0) close_(id_);
}

H5Handle& H5Handle::operator=(H5Handle&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(close_, other.close_);
  return *this;
}

std::span<std::complex<float> const> samples_of(StoredAcquisition const& record) {
  std::size_t const values =
      std::size_t{record.head.number_of_samples} * record.head.active_channels;
  if (record.data.len != 2 * values)
    throw FormatError("SAMPLES_MISMATCH", "an acquisition holds " +
                                              std::to_string(record.data.len) + " numbers, not " +
                                              std::to_string(2 * values));
  return {static_cast<std::complex<float> const*>(record.data.p), values};
}

H5Handle stored_acquisition_type() {
  H5Handle type = compound(sizeof(StoredAcquisition));
  H5Handle const floats(H5Tvlen_create(H5T_NATIVE_FLOAT), H5Tclose, kNot, "a sequence type");
  insert(type, "head", offsetof(StoredAcquisition, head), head_type());
  insert(type, "traj", offsetof(StoredAcquisition, trajectory), floats);
  insert(type, "data", offsetof(StoredAcquisition, data), floats);
  return type;
}

H5Handle stored_head_type() {
  H5Handle type = compound(sizeof(ISMRMRD_AcquisitionHeader));
  insert(type, "head", 0, head_type());
  return type;
}

void quieten_hdf5() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
}

IsmrmrdFile::IsmrmrdFile(std::filesystem::path const& path) {
  quieten_hdf5();
  file_ = {H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "FILE_UNREADABLE",
           "the file; it is not HDF5, or not readable"};
  data_ = dataset(file_, "dataset", "dataset/data");
  space_ = {H5Dget_space(data_), H5Sclose, kNot, "the acquisitions"};
  record_type_ = stored_acquisition_type();
  head_type_ = stored_head_type();
  // Other converters write (n) or (n, 1).
  hssize_t const points = H5Sget_simple_extent_npoints(space_);
  int const rank = H5Sget_simple_extent_ndims(space_);
  std::vector<hsize_t> extent(static_cast<std::size_t>(std::max(rank, 1)));
  H5Sget_simple_extent_dims(space_, extent.data(), nullptr);
  if (rank < 1 || points < 0 || static_cast<hsize_t>(points) != extent[0])
    throw FormatError(kNot, "the acquisitions are not a list");
  count_ = extent[0];
}

std::string IsmrmrdFile::xml() const {
  H5Handle const data = dataset(file_, "dataset", "dataset/xml");
  H5Handle const type(H5Dget_type(data), H5Tclose, kNot, "the XML header");
  H5Handle const space(H5Dget_space(data), H5Sclose, kNot, "the XML header");
  if (H5Tis_variable_str(type) <= 0 || H5Sget_simple_extent_npoints(space) != 1)
    throw FormatError(kNot, "the XML header is not one string");
  char* text = nullptr;
  if (H5Dread(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, static_cast<void*>(&text)) < 0 ||
      text == nullptr)
    throw FormatError("BAD_ISMRMRD_HEADER", "the XML header cannot be read");
  std::string const xml = text;
  H5free_memory(text);
  if (xml.size() > kMaxXmlBytes)
    throw FormatError("BAD_ISMRMRD_HEADER",
                      "the XML header has " + std::to_string(xml.size()) + " bytes");
  return xml;
}

void IsmrmrdFile::select(std::uint64_t first, std::uint64_t count) const {
  // A second axis of length one is selected whole by the zero and one behind.
  hsize_t const start[H5S_MAX_RANK] = {first};
  hsize_t block[H5S_MAX_RANK];
  std::fill(std::begin(block), std::end(block), hsize_t{1});
  block[0] = count;
  H5Sselect_hyperslab(space_, H5S_SELECT_SET, start, nullptr, block, nullptr);
}

void IsmrmrdFile::read_heads(std::uint64_t first, std::span<ISMRMRD_AcquisitionHeader> out) const {
  hsize_t const count = out.size();
  H5Handle const memory(H5Screate_simple(1, &count, nullptr), H5Sclose, kNot, "a block");
  select(first, count);
  if (H5Dread(data_, head_type_, memory, space_, H5P_DEFAULT, out.data()) < 0)
    throw FormatError(kNot,
                      "acquisition headers from " + std::to_string(first) + " on cannot be read");
}

std::span<StoredAcquisition const> IsmrmrdFile::read(std::uint64_t first, std::uint64_t count) {
  release();
  hsize_t const records = count;
  H5Handle const memory(H5Screate_simple(1, &records, nullptr), H5Sclose, kNot, "a block");
  select(first, count);
  block_.resize(count);
  if (H5Dread(data_, record_type_, memory, space_, H5P_DEFAULT, block_.data()) < 0) {
    block_.clear();
    throw FormatError(kNot, "acquisitions from " + std::to_string(first) + " on cannot be read");
  }
  return block_;
}

void IsmrmrdFile::release() {
  if (block_.empty()) return;
  for (auto& record : block_) {
    if (record.trajectory.p != nullptr) H5free_memory(record.trajectory.p);
    if (record.data.p != nullptr) H5free_memory(record.data.p);
  }
  block_.clear();
}

}  // namespace chistream
