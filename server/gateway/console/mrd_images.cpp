#include "gateway/console/mrd_images.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <ismrmrd/ismrmrd.h>
#include <ismrmrd/meta.h>

#include <array>
#include <cstring>
#include <sstream>
#include <vector>

#include "formats/dicom/attributes.hpp"
#include "formats/dicom/instance.hpp"
#include "formats/dicom/pixels.hpp"
#include "formats/dicom/plane.hpp"
#include "formats/ismrmrd/messages.hpp"

namespace chistream::gateway {

namespace {

/// `to`: three floats of the header, which is packed, so that they lie on any address.
void put(void* to, dicom::Vector const& from) {
  std::array<float, 3> const floats{static_cast<float>(from[0]), static_cast<float>(from[1]),
                                    static_cast<float>(from[2])};
  std::memcpy(to, floats.data(), sizeof(floats));
}

template <class Value>
void append(std::string& bytes, Value const& value) {
  bytes.append(reinterpret_cast<char const*>(&value), sizeof(value));
}

std::string attributes_of(DcmItem& dataset) {
  ISMRMRD::MetaContainer meta;
  meta.set("DataRole", "Quantitative");
  meta.append("DataRole", "Image");
  meta.set("ImageProcessingHistory", "chistream");
  meta.set("SequenceDescriptionAdditional", "QSM");
  meta.set("ImageComment", dicom::text(dataset, DCM_SeriesDescription).c_str());
  meta.set("WindowCenter", dicom::numbers(dataset, DCM_WindowCenter).front());
  meta.set("WindowWidth", dicom::numbers(dataset, DCM_WindowWidth).front());
  meta.set("Keep_image_geometry", 1L);
  std::ostringstream text;
  ISMRMRD::serialize(meta, text);
  return text.str();
}

}  // namespace

std::string mrd_image(std::filesystem::path const& instance) {
  DcmFileFormat file;
  dicom::load(instance, file);
  DcmDataset& dataset = *file.getDataset();
  std::uint32_t const rows = dicom::count(dataset, DCM_Rows);
  std::uint32_t const columns = dicom::count(dataset, DCM_Columns);
  auto const axes = dicom::orientation_of(dicom::text(dataset, DCM_ImageOrientationPatient));
  auto const corner = dicom::position_of(dicom::text(dataset, DCM_ImagePositionPatient));
  auto const spacing = dicom::numbers(dataset, DCM_PixelSpacing);
  double const thickness = dicom::number(dataset, DCM_SliceThickness).value_or(0);

  ISMRMRD::ISMRMRD_ImageHeader head;
  ISMRMRD::ismrmrd_init_image_header(&head);
  head.data_type = ISMRMRD::ISMRMRD_SHORT;
  head.image_type = ISMRMRD::ISMRMRD_IMTYPE_MAGNITUDE;
  head.matrix_size[0] = static_cast<std::uint16_t>(columns);
  head.matrix_size[1] = static_cast<std::uint16_t>(rows);
  head.matrix_size[2] = 1;
  put(head.field_of_view, {columns * spacing[1], rows * spacing[0], thickness});
  head.channels = 1;
  dicom::Vector centre = corner;  // of voxel (floor(columns / 2), floor(rows / 2))
  for (std::size_t i = 0; i < 3; ++i)
    centre[i] += columns / 2 * spacing[1] * axes.row[i] + rows / 2 * spacing[0] * axes.column[i];
  put(head.position, centre);
  put(head.read_dir, axes.row);
  put(head.phase_dir, axes.column);
  put(head.slice_dir, axes.normal);
  auto const number = dicom::count(dataset, DCM_InstanceNumber);
  head.slice = static_cast<std::uint16_t>(number - 1);
  head.image_index = static_cast<std::uint16_t>(number);
  head.image_series_index = 1;
  std::string const attributes = attributes_of(dataset);
  head.attribute_string_len = static_cast<std::uint32_t>(attributes.size());

  std::vector<float> values(std::size_t{rows} * columns);
  dicom::Pixels(file).read(0, 1, 0, values);
  std::string message;
  append(message, MrdId::kImage);
  append(message, head);
  append(message, std::uint64_t{attributes.size()});
  message += attributes;
  for (float const value : values) append(message, static_cast<std::int16_t>(value));
  return message;
}

}  // namespace chistream::gateway
