#include "gateway/console/live_upload.hpp"

#include <spdlog/spdlog.h>

#include "formats/format_error.hpp"
#include "formats/ismrmrd/live.hpp"
#include "gateway/exams/container_file.hpp"
#include "gateway/exams/exam_runner.hpp"
#include "session/upload.hpp"
#include "store/random_id.hpp"

namespace chistream::gateway {

namespace {

/// The console waits for its images meanwhile; afterwards the gateway tries for ever.
constexpr std::chrono::seconds kPatience{8};

}  // namespace

LiveUpload::LiveUpload(Settings const& settings, Origin const& origin,
                       std::filesystem::path const& capture)
    : capture_(capture, capture_whole_.get_future().share()),
      container_path_(capture.string() + ".qsmexam"),
      conversion_(std::async(std::launch::async,
                             [this] {
                               return write_container(container_path_, [&](ContainerWriter& out) {
                                 read_live_mrd(capture_, out);
                               });
                             })),
      container_(container_path_, conversion_),
      upload_(std::async(std::launch::async, [this, &settings, origin] {
        Connection server = connect_for(settings, origin);
        return upload_growing_exam(server, "live-" + random_id(), container_,
                                   {.patience = {.limit = kPatience}})
            .upload_id;
      })) {}

LiveUpload::~LiveUpload() {
  if (!finished_)
    capture_whole_.set_exception(
        std::make_exception_ptr(FormatError("MRD_INCOMPLETE", "the stream broke off")));
  if (upload_.valid()) upload_.wait();
  conversion_.wait();  // it makes the file, perhaps only now
  std::error_code ignored;
  std::filesystem::remove(container_path_, ignored);
}

std::optional<std::string> LiveUpload::finish() try {
  finished_ = true;
  capture_whole_.set_value("");
  return upload_.get();
} catch (std::exception const& error) {
  spdlog::info("the scan was not uploaded while it ran: {}", error.what());
  return std::nullopt;
}

}  // namespace chistream::gateway
