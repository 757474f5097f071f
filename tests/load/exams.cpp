#include <fstream>
#include <random>
#include <vector>

#include "container/framing.hpp"
#include "load.hpp"
#include "qsm/v1/acquisition.pb.h"

namespace chistream::load {
namespace {

using qsm::container::RecordHead;
using qsm::container::RecordType;

constexpr std::size_t kMiB = 1u << 20;

void write(std::ofstream& out, RecordType type, std::span<std::byte const> payload) {
  RecordHead const head{static_cast<std::uint32_t>(type), qsm::container::crc32c(payload),
                        payload.size()};
  out.write(reinterpret_cast<char const*>(&head), sizeof(head));
  out.write(reinterpret_cast<char const*>(payload.data()),
            static_cast<std::streamsize>(payload.size()));
}

void write(std::ofstream& out, RecordType type, google::protobuf::Message const& message) {
  std::string const bytes = message.SerializeAsString();
  write(out, type, std::as_bytes(std::span(bytes)));
}

void write_zeros(std::ofstream& out, std::uint64_t mib) {
  std::vector<std::byte> const zeros(kMiB);
  RecordHead head{static_cast<std::uint32_t>(RecordType::kImageBlock), 0, mib * kMiB};
  for (std::uint64_t i = 0; i < mib; ++i) head.crc32c = qsm::container::crc32c(zeros, head.crc32c);
  out.write(reinterpret_cast<char const*>(&head), sizeof(head));
  out.seekp(static_cast<std::streamoff>(head.length), std::ios::cur);
}

}  // namespace

void make_exam(fs::path const& file, std::uint64_t mib, unsigned seed, bool sparse) {
  std::ofstream out(file, std::ios::binary);
  out.exceptions(std::ios::failbit | std::ios::badbit);
  out.write(qsm::container::kMagic, sizeof(qsm::container::kMagic));
  qsm::v1::ExamHeader header;
  header.set_format_version(1);
  header.set_coils(seed);
  write(out, RecordType::kHeader, header);
  qsm::v1::ContainerEnd end;
  if (sparse) {
    write_zeros(out, mib);
    end.set_image_blocks(1);
  } else {
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> line(kMiB / sizeof(std::uint64_t));
    for (std::uint64_t i = 0; i < mib; ++i) {
      for (auto& word : line) word = random();
      write(out, RecordType::kAcquisition, std::as_bytes(std::span(line)));
    }
    end.set_acquisitions(mib);
  }
  write(out, RecordType::kEnd, end);
}

}  // namespace chistream::load
