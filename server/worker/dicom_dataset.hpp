/// Filling DCMTK data sets: every value that DICOM would not accept is refused, none is cut short.
#pragma once

#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcitem.h>

#include <cstdint>
#include <string>

namespace chistream {

/// Throws Error{kInvalidArgument, "DICOM_DICTIONARY_MISSING"} where DCMTK finds no data dictionary.
void require_dicom_dictionary();

void put(DcmItem& item, DcmTagKey const& tag, std::string const& value);
void put_signed(DcmItem& item, DcmTagKey const& tag, std::int16_t value);
void put_unsigned(DcmItem& item, DcmTagKey const& tag, std::uint16_t value);

/// Nothing where `value` is empty: for attributes of type 3.
void put_if_known(DcmItem& item, DcmTagKey const& tag, std::string const& value);

struct DicomCode {
  char const* value;
  char const* scheme;
  char const* meaning;
};

/// Appends an item to a sequence; the item belongs to the sequence.
DcmItem& append_item(DcmItem& item, DcmTagKey const& sequence);
void append_code(DcmItem& item, DcmTagKey const& sequence, DicomCode const& code);

/// Checks every top-level text value against its value representation (length, characters, format).
/// Throws Error{kInvalidArgument, "DICOM_VALUE_INVALID"} with the attribute's name, never its
/// value.
void check_values(DcmItem& item);

/// The file as bytes: explicit VR little endian, with the meta header.
std::string serialise(DcmFileFormat& file);

}  // namespace chistream
