/// The MRD streaming protocol: how messages follow one another on a connection.
///
/// Every message is a 16-bit number, little endian, and a body whose size follows from its kind and
/// its first bytes. This is what the open reconstruction servers speak (config, XML header,
/// acquisitions while scanning, images and text back, close).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace chistream {

enum class MrdId : std::uint16_t {
  kConfigFile = 1,  // 1024 characters: the name of a configuration
  kConfigText = 2,  // 32-bit length, text
  kHeader = 3,      // 32-bit length, the XML header
  kClose = 4,       // nothing
  kText = 5,        // 32-bit length, text
  kAcquisition = 1008,
  kImage = 1022,
  kWaveform = 1026,
};

struct MrdMessage {
  MrdId id;
  std::uint64_t offset;  // of the body, from the start of the stream
  std::uint64_t size;    // of the body
};

/// Follows a stream in pieces of any size, holding no more than the head of a message.
///
/// Throws FormatError MRD_UNKNOWN_MESSAGE, MRD_MESSAGE_TOO_LARGE (an acquisition, image or waveform
/// beyond 1 GiB, text beyond 16 MiB).
class MrdMessages {
 public:
  /// `complete` is called for each message when its last byte has come.
  explicit MrdMessages(std::function<void(MrdMessage const&)> complete)
      : complete_(std::move(complete)) {}

  void feed(std::span<std::byte const> bytes);

  bool closed() const { return closed_; }  // kClose has come
  bool between_messages() const { return head_.empty() && remaining_ == 0; }
  std::uint64_t offset() const { return offset_; }

 private:
  void begin_body();
  void finish();

  std::function<void(MrdMessage const&)> complete_;
  std::vector<std::byte> head_;  // number and what tells the size, until complete
  MrdMessage message_{};
  std::uint64_t remaining_ = 0;  // of the body
  std::uint64_t offset_ = 0;
  bool closed_ = false;
};

}  // namespace chistream
