#include "formats/container_reader.hpp"

#include <cstring>
#include <stdexcept>

#include "formats/format_error.hpp"

namespace chistream {

using namespace qsm::container;

namespace {

template <class Head>
Head head_at(std::span<std::byte const> bytes, std::uint64_t at) {
  Head head;
  std::memcpy(&head, bytes.data() + at, sizeof(head));
  return head;
}

template <class Message>
void parse(Message& message, std::span<std::byte const> bytes, char const* what) {
  // The length is at most kMaxHeaderBytes, so it fits an int.
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    throw FormatError("BAD_HEADER", std::string("the ") + what + " record cannot be parsed");
}

void copy(std::span<std::byte const> from, std::span<std::byte> to) {
  if (from.size() != to.size())
    throw std::logic_error("a record body has " + std::to_string(from.size()) + " bytes, not " +
                           std::to_string(to.size()));
  std::memcpy(to.data(), from.data(), from.size());
}

/// a x b x c x d without overflow: sizes beyond every container saturate.
std::uint64_t product(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
  std::uint64_t result = 0;
  bool const overflow = __builtin_mul_overflow(a, b, &result) ||
                        __builtin_mul_overflow(result, c, &result) ||
                        __builtin_mul_overflow(result, d, &result);
  return overflow ? UINT64_MAX : result;
}

}  // namespace

std::uint64_t body_bytes(AcquisitionHead const& head) {
  return product(head.coils, head.samples, sizeof(std::complex<float>), 1);
}

std::uint64_t body_bytes(ImageBlockHead const& head) {
  std::size_t value = 0;
  switch (static_cast<Component>(head.component)) {
    case Component::kComplex:
      value = sizeof(std::complex<float>);
      break;
    case Component::kMagnitude:
    case Component::kPhase:
      value = sizeof(float);
      break;
  }
  return product(head.size_x, head.size_y, head.size_z, value);
}

template <class Head>
static std::uint32_t crc_of(Head const& head, std::span<std::byte const> body) {
  return qsm::container::crc32c(body, qsm::container::crc32c(std::as_bytes(std::span(&head, 1))));
}

ContainerReader::ContainerReader(std::filesystem::path const& path) : file_(path) {
  index();
}

void ContainerReader::index() {
  auto const bytes = file_.bytes();
  std::uint64_t at = sizeof(kMagic);
  if (bytes.size() < at || std::memcmp(bytes.data(), kMagic, at) != 0)
    throw FormatError("BAD_MAGIC", "the file does not begin with QSMEXAM1");
  auto type = RecordType{};
  while (type != RecordType::kEnd) {
    if (bytes.size() - at < sizeof(RecordHead))
      throw FormatError("TRUNCATED_CONTAINER", "the container stops after " +
                                                   std::to_string(bytes.size()) +
                                                   " bytes, before its end record");
    auto const record = head_at<RecordHead>(bytes, at);
    bool const first = at == sizeof(kMagic);
    at += sizeof(RecordHead);
    type = static_cast<RecordType>(record.type);
    if (record.type < 1 || record.type > 4)
      throw FormatError("BAD_RECORD_TYPE", "record type " + std::to_string(record.type));
    if (first && type != RecordType::kHeader)
      throw FormatError("MISSING_HEADER", "the first record is not an exam header");
    if (!first && type == RecordType::kHeader)
      throw FormatError("DUPLICATE_HEADER", "a second exam header follows the first");
    bool const small = type == RecordType::kHeader || type == RecordType::kEnd;
    if (record.length > (small ? kMaxHeaderBytes : kMaxRecordBytes))
      throw FormatError("RECORD_TOO_LARGE",
                        "a record announces " + std::to_string(record.length) + " bytes");
    if (record.length > bytes.size() - at)
      throw FormatError("TRUNCATED_CONTAINER", "a record announces " +
                                                   std::to_string(record.length) + " bytes where " +
                                                   std::to_string(bytes.size() - at) + " are left");
    add_record(record, at);
    at += record.length;
  }
  if (at != bytes.size())
    throw FormatError("RECORD_AFTER_END", std::to_string(bytes.size() - at) +
                                              " bytes follow the end record of the container");
  if (end_.acquisitions() != acquisitions_.size() || end_.image_blocks() != image_blocks_.size())
    throw FormatError(
        "COUNT_MISMATCH",
        "the end record promises " + std::to_string(end_.acquisitions()) + " acquisitions and " +
            std::to_string(end_.image_blocks()) + " image blocks, the container holds " +
            std::to_string(acquisitions_.size()) + " and " + std::to_string(image_blocks_.size()));
  header_.mutable_warnings()->MergeFrom(end_.warnings());
}

void ContainerReader::add_record(RecordHead const& record, std::uint64_t at) {
  auto const payload = file_.bytes().subspan(at, record.length);
  auto const append = [&]<class Record>(std::vector<Record>& records) {
    using Head = decltype(Record::head);
    if (record.length < sizeof(Head))
      throw FormatError("BAD_RECORD", "a record of " + std::to_string(record.length) +
                                          " bytes is too short for its head");
    auto const head = head_at<Head>(payload, 0);
    if (body_bytes(head) == 0 || body_bytes(head) != record.length - sizeof(Head))
      throw FormatError("SAMPLES_MISMATCH", "record " + std::to_string(records.size()) +
                                                " announces " + std::to_string(body_bytes(head)) +
                                                " bytes of samples and holds " +
                                                std::to_string(record.length - sizeof(Head)));
    records.push_back({head, record.crc32c, at + sizeof(Head)});
  };
  auto const checked = [&] {
    if (qsm::container::crc32c(payload) != record.crc32c)
      throw FormatError("RECORD_CRC_MISMATCH", "the header or end record is damaged");
    return payload;
  };
  switch (static_cast<RecordType>(record.type)) {
    case RecordType::kHeader:
      parse(header_, checked(), "header");
      if (header_.format_version() != 1)
        throw FormatError("UNSUPPORTED_VERSION", "container format version " +
                                                     std::to_string(header_.format_version()) +
                                                     "; this program reads version 1");
      break;
    case RecordType::kAcquisition:
      append(acquisitions_);
      break;
    case RecordType::kImageBlock:
      append(image_blocks_);
      break;
    case RecordType::kEnd:
      parse(end_, checked(), "end");
      break;
  }
}

std::span<std::byte const> ContainerReader::body(AcquisitionRecord const& record) const {
  return file_.bytes().subspan(record.body, body_bytes(record.head));
}

std::span<std::byte const> ContainerReader::body(ImageBlockRecord const& record) const {
  return file_.bytes().subspan(record.body, body_bytes(record.head));
}

bool ContainerReader::intact(AcquisitionRecord const& record) const {
  return crc_of(record.head, body(record)) == record.crc32c;
}

bool ContainerReader::intact(ImageBlockRecord const& record) const {
  return crc_of(record.head, body(record)) == record.crc32c;
}

void ContainerReader::read(AcquisitionRecord const& record,
                           std::span<std::complex<float>> out) const {
  copy(body(record), std::as_writable_bytes(out));
}

void ContainerReader::read(ImageBlockRecord const& record,
                           std::span<std::complex<float>> out) const {
  copy(body(record), std::as_writable_bytes(out));
}

void ContainerReader::read(ImageBlockRecord const& record, std::span<float> out) const {
  copy(body(record), std::as_writable_bytes(out));
}

}  // namespace chistream
