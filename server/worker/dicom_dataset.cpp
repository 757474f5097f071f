#include "worker/dicom_dataset.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcostrmb.h>

#include "device/error.hpp"

namespace chistream {

namespace {

std::string name_of(DcmTagKey const& tag) {
  return DcmTag(tag).getTagName();
}

void check(OFCondition const& status, DcmTagKey const& tag) {
  if (status.bad())
    throw qsm::Error(qsm::ErrorCode::kInvalidArgument, "DICOM_VALUE_INVALID",
                     "DICOM attribute " + name_of(tag) + ": " + status.text());
}

}  // namespace

void require_dicom_dictionary() {
  qsm::require(dcmDataDict.isDictionaryLoaded(), "DICOM_DICTIONARY_MISSING",
               "DCMTK found no data dictionary; set DCMDICTPATH to dicom.dic");
}

void put(DcmItem& item, DcmTagKey const& tag, std::string const& value) {
  check(item.putAndInsertOFStringArray(tag, OFString(value.data(), value.size())), tag);
}

void put_signed(DcmItem& item, DcmTagKey const& tag, std::int16_t value) {
  check(item.putAndInsertSint16(tag, value), tag);
}

void put_unsigned(DcmItem& item, DcmTagKey const& tag, std::uint16_t value) {
  check(item.putAndInsertUint16(tag, value), tag);
}

void put_if_known(DcmItem& item, DcmTagKey const& tag, std::string const& value) {
  if (!value.empty()) put(item, tag, value);
}

DcmItem& append_item(DcmItem& item, DcmTagKey const& sequence) {
  DcmItem* added = nullptr;
  constexpr long kAppend = -2;
  check(item.findOrCreateSequenceItem(sequence, added, kAppend), sequence);
  return *added;
}

void append_code(DcmItem& item, DcmTagKey const& sequence, DicomCode const& code) {
  DcmItem& added = append_item(item, sequence);
  put(added, DCM_CodeValue, code.value);
  put(added, DCM_CodingSchemeDesignator, code.scheme);
  put(added, DCM_CodeMeaning, code.meaning);
}

void check_values(DcmItem& item) {
  for (unsigned long i = 0; i < item.card(); ++i) {
    DcmElement* const element = item.getElement(i);
    if (element->ident() == EVR_SQ || element->getLength() == 0) continue;
    check(element->checkValue("1-n"), element->getTag());
  }
}

std::string serialise(DcmFileFormat& file) {
  // Pixels and at most a few KiB of attributes; the loop is for a surprise.
  std::string bytes(file.getDataset()->getLength(EXS_LittleEndianExplicit) + (16u << 10), '\0');
  for (;;) {
    DcmOutputBufferStream stream(bytes.data(), static_cast<offile_off_t>(bytes.size()));
    file.transferInit();
    auto const status = file.write(stream, EXS_LittleEndianExplicit, EET_ExplicitLength, nullptr);
    file.transferEnd();
    if (status.good()) {
      void* data = nullptr;
      offile_off_t length = 0;
      stream.flushBuffer(data, length);
      bytes.resize(static_cast<std::size_t>(length));
      return bytes;
    }
    if (status != EC_StreamNotifyClient)
      throw qsm::Error(qsm::ErrorCode::kInvalidArgument, "DICOM_WRITE_FAILED", status.text());
    bytes.resize(bytes.size() * 2);
  }
}

}  // namespace chistream
