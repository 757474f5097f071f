/// A scan on its way to the daemon while it is still running.
#pragma once

#include <filesystem>
#include <future>
#include <optional>
#include <string>

#include "formats/growing_file.hpp"
#include "gateway/reception/inbox.hpp"
#include "gateway/settings.hpp"

namespace chistream::gateway {

/// Follows the capture of an MRD stream: converts it into a container, and uploads that, as the
/// lines come in, so that at the close of the stream only its last part is still to go. Whatever
/// goes wrong costs nothing but time: the capture is then converted and uploaded when it is whole.
class LiveUpload {
 public:
  /// `capture` is the file that the stream is written to.
  LiveUpload(Settings const& settings, Origin const& origin, std::filesystem::path const& capture);

  /// Gives up what was not finished, here and at the daemon.
  ~LiveUpload();
  LiveUpload(LiveUpload const&) = delete;

  /// The capture is whole. Waits until the daemon has the exam, and answers the id of the upload;
  /// nothing where the exam has to be made from the capture again.
  std::optional<std::string> finish();

 private:
  std::promise<std::string> capture_whole_;
  bool finished_ = false;
  GrowingFile capture_;
  std::filesystem::path container_path_;
  std::shared_future<std::string> conversion_;
  GrowingFile container_;
  std::future<std::string> upload_;
};

}  // namespace chistream::gateway
