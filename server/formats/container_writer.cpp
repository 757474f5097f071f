#include "formats/container_writer.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <stdexcept>
#include <string>

namespace chistream {

using namespace qsm::container;

namespace {

template <class Message>
std::string serialised(Message const& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

std::span<std::byte const> bytes_of(std::string const& text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

void ContainerWriter::record(RecordType type, std::span<std::byte const> head,
                             std::span<std::byte const> body) {
  if (bytes_ == 0) {
    sink_(std::as_bytes(std::span(kMagic)));
    bytes_ = sizeof(kMagic);
  }
  RecordHead const record{static_cast<std::uint32_t>(type), crc32c(body, crc32c(head)),
                          head.size() + body.size()};
  sink_(std::as_bytes(std::span(&record, 1)));
  if (!head.empty()) sink_(head);
  if (!body.empty()) sink_(body);
  bytes_ += sizeof(record) + record.length;
}

void ContainerWriter::header(qsm::v1::ExamHeader const& header) {
  if (bytes_ != 0) throw std::logic_error("the exam header must be the first record");
  record(RecordType::kHeader, {}, bytes_of(serialised(header)));
}

void ContainerWriter::acquisition(AcquisitionHead const& head,
                                  std::span<std::complex<float> const> samples) {
  if (samples.size() != std::size_t{head.coils} * head.samples)
    throw std::logic_error("an acquisition has " + std::to_string(samples.size()) +
                           " samples, not " +
                           std::to_string(std::size_t{head.coils} * head.samples));
  record(RecordType::kAcquisition, std::as_bytes(std::span(&head, 1)), std::as_bytes(samples));
  ++acquisitions_;
}

void ContainerWriter::block(ImageBlockHead const& head, std::span<std::byte const> body) {
  bool const complex = static_cast<Component>(head.component) == Component::kComplex;
  std::size_t const voxels = std::size_t{head.size_x} * head.size_y * head.size_z;
  std::size_t const expected = voxels * (complex ? sizeof(std::complex<float>) : sizeof(float));
  if (body.size() != expected)
    throw std::logic_error("an image block has " + std::to_string(body.size()) + " bytes, not " +
                           std::to_string(expected));
  record(RecordType::kImageBlock, std::as_bytes(std::span(&head, 1)), body);
  ++image_blocks_;
}

void ContainerWriter::image_block(ImageBlockHead const& head, std::span<float const> volume) {
  block(head, std::as_bytes(volume));
}

void ContainerWriter::image_block(ImageBlockHead const& head,
                                  std::span<std::complex<float> const> volume) {
  block(head, std::as_bytes(volume));
}

std::uint64_t ContainerWriter::end(std::vector<std::string> const& warnings) {
  qsm::v1::ContainerEnd end;
  end.set_acquisitions(acquisitions_);
  end.set_image_blocks(image_blocks_);
  end.mutable_warnings()->Assign(warnings.begin(), warnings.end());
  record(RecordType::kEnd, {}, bytes_of(serialised(end)));
  return bytes_;
}

}  // namespace chistream
