#include "gateway/console/console.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <optional>
#include <thread>

#include "channel/channel.hpp"
#include "formats/format_error.hpp"
#include "formats/ismrmrd/messages.hpp"
#include "gateway/console/live_upload.hpp"
#include "gateway/console/mrd_images.hpp"
#include "gateway/delivery/result_files.hpp"
#include "gateway/reception/inbox.hpp"
#include "gateway/settings.hpp"
#include "qsm/v1/dicom.grpc.pb.h"
#include "store/request_error.hpp"

namespace chistream::gateway {

namespace fs = std::filesystem;

namespace {

constexpr char const* kCallingAe = "MRD";
constexpr timeval kSilence{.tv_sec = 600, .tv_usec = 0};  // a scan may pause between its parts

std::string peer_address() {
  sockaddr_storage peer{};
  socklen_t size = sizeof(peer);
  char text[INET6_ADDRSTRLEN] = "";
  ::getpeername(STDIN_FILENO, reinterpret_cast<sockaddr*>(&peer), &size);
  void const* const address =
      peer.ss_family == AF_INET6
          ? static_cast<void const*>(&reinterpret_cast<sockaddr_in6 const&>(peer).sin6_addr)
          : &reinterpret_cast<sockaddr_in const&>(peer).sin_addr;
  ::inet_ntop(peer.ss_family, address, text, sizeof(text));
  return text;
}

/// False: the console has gone.
bool send_all(std::span<std::byte const> bytes) {
  while (!bytes.empty()) {
    ssize_t const sent = ::send(STDIN_FILENO, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

bool send_text(std::string const& words) {
  MrdId const id = MrdId::kText;
  auto const size = static_cast<std::uint32_t>(words.size() + 1);  // with the zero at its end
  std::string message(reinterpret_cast<char const*>(&id), sizeof(id));
  message.append(reinterpret_cast<char const*>(&size), sizeof(size)).append(words.c_str(), size);
  return send_all(std::as_bytes(std::span(message)));
}

bool send_close() {
  MrdId const id = MrdId::kClose;
  return send_all(std::as_bytes(std::span(&id, 1)));
}

class ConsoleConnection {
 public:
  ConsoleConnection(ConsoleOptions const& options, Settings settings)
      : options_(options),
        settings_(std::move(settings)),
        inbox_(options.state),
        service_(
            qsm::v1::DicomService::NewStub(qsm::channel::open_channel(options.service, {}, {}))) {
    origin_ = {kCallingAe, settings_.consoles.at(options.console).pipeline, peer_address(), ""};
    if (!settings_.caller(origin_.calling_ae, origin_.address, ""))
      throw FormatError("UNKNOWN_CALLER", "no caller 'MRD' has the address " + origin_.address);
    if (inbox_.fullness() >= settings_.full) throw FormatError("DISK_FULL", "the disk is full");
  }

  int run() {
    spdlog::info("console {} is connected", origin_.address);
    fs::path const file = inbox_.incoming();
    std::optional<LiveUpload> live;
    if (!receive(file, live)) return 1;
    if (acquisitions_ == 0) {
      fs::remove(file);
      throw FormatError("NO_IMAGING_LINES", "the stream holds no acquisition");
    }
    auto const capture = inbox_.keep_capture(file, origin_);
    std::string const exam_id = capture.stem();
    spdlog::info("console {}: {} acquisitions, {} waveforms for {}", origin_.address, acquisitions_,
                 waveforms_, origin_.called_ae);
    qsm::v1::ReceivedExam known;
    bool const new_stream = !find(exam_id, &known).ok();
    auto const upload = new_stream && live ? live->finish() : std::nullopt;
    live.reset();
    if (upload) spdlog::info("exam {} was uploaded while it was scanned", exam_id);
    std::cout << "captured " << upload.value_or("-") << ' ' << capture.string() << std::endl;
    return give_back(exam_id);
  }

 private:
  /// Until the close; false: the connection broke off before it.
  bool receive(fs::path const& file, std::optional<LiveUpload>& live) try {
    ::setsockopt(STDIN_FILENO, SOL_SOCKET, SO_RCVTIMEO, &kSilence, sizeof(kSilence));
    std::ofstream capture(file, std::ios::binary);
    live.emplace(settings_, origin_, file);
    std::string start;  // of the stream, as far as the configuration reaches
    MrdMessages messages([&](MrdMessage const& message) {
      acquisitions_ += message.id == MrdId::kAcquisition;
      waveforms_ += message.id == MrdId::kWaveform;
      if (message.id == MrdId::kConfigFile) configure(start.substr(message.offset, message.size));
    });
    std::vector<std::byte> piece(1u << 20);
    while (!messages.closed()) {
      ssize_t const got = ::recv(STDIN_FILENO, piece.data(), piece.size(), 0);
      if (got <= 0) {
        capture.close();
        broke_off(file, messages.offset());
        return false;
      }
      std::span<std::byte const> const bytes(piece.data(), static_cast<std::size_t>(got));
      capture.write(reinterpret_cast<char const*>(bytes.data()), got);
      if (!capture) throw RequestError(grpc::RESOURCE_EXHAUSTED, "DISK_FULL", "the disk is full");
      if (start.size() < kConfigurationReach)
        start.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
      messages.feed(bytes);
      if (live && messages.offset() >= next_look_at_disk_) {
        next_look_at_disk_ += kLookAtDisk;
        if (inbox_.fullness() >= settings_.full) live.reset();  // room for the capture goes first
      }
    }
    return true;
  } catch (FormatError const&) {
    inbox_.keep_rejected(file, ".mrd");
    throw;
  }

  /// The name of a pipeline; any other configuration leaves the console's own.
  void configure(std::string name) {
    name = name.substr(0, name.find('\0'));
    if (settings_.pipeline(name))
      origin_.called_ae = name;
    else
      send_text("configuration '" + name + "' is not known here; " + origin_.called_ae +
                " is used");
  }

  void broke_off(fs::path const& file, std::uint64_t bytes) {
    fs::path const kept = inbox_.keep_rejected(file, ".mrd");
    spdlog::error("console {} broke off after {} acquisitions ({} bytes); what came is kept in {}",
                  origin_.address, acquisitions_, bytes, kept.string());
  }

  /// Waits for the result and sends it. A console that leaves meanwhile loses nothing: the result
  /// goes to the nodes as well.
  int give_back(std::string const& exam_id) {
    std::string told_job;
    for (;; std::this_thread::sleep_for(std::chrono::milliseconds(50))) {
      qsm::v1::ReceivedExam exam;
      auto const status = find(exam_id, &exam);
      if (status.error_code() == grpc::UNAVAILABLE) return 1;  // the gateway goes down
      if (!status.ok()) continue;                              // it has not read our line yet
      if (exam.job_id() != told_job) {
        told_job = exam.job_id();
        send_text("job " + told_job);
      }
      if (exam.state() == qsm::v1::EXAM_STATE_FAILED)
        throw FormatError(exam.error().reason(), exam.error().message());
      if (exam.state() == qsm::v1::EXAM_STATE_DONE) return send_result(exam_id);
    }
  }

  grpc::Status find(std::string const& exam_id, qsm::v1::ReceivedExam* exam) {
    grpc::ClientContext context;
    qsm::v1::GetExamRequest request;
    request.set_exam_id(exam_id);
    return service_->GetExam(&context, request, exam);
  }

  int send_result(std::string const& exam_id) {
    std::size_t images = 0;
    for (auto const& file :
         instances_of(qsm::v1::DICOM_OBJECT_UNSPECIFIED, result_files(options_.state, exam_id))) {
      if (fs::path(file).parent_path().filename() != "dicom") continue;  // another quantity
      std::string const image = mrd_image(options_.state / file);
      if (!send_all(std::as_bytes(std::span(image)))) {
        spdlog::warn("console {} left after {} images", origin_.address, images);
        return 1;
      }
      ++images;
    }
    send_close();
    spdlog::info("console {}: {} images sent back", origin_.address, images);
    return 0;
  }

  static constexpr std::size_t kConfigurationReach = 4096;
  static constexpr std::uint64_t kLookAtDisk = 64u << 20;

  ConsoleOptions const& options_;
  Settings settings_;
  Inbox inbox_;
  Origin origin_;
  std::unique_ptr<qsm::v1::DicomService::Stub> service_;
  std::uint64_t acquisitions_ = 0, waveforms_ = 0;
  std::uint64_t next_look_at_disk_ = kLookAtDisk;
};

}  // namespace

int serve_console(ConsoleOptions const& options) try {
  return ConsoleConnection(options, Settings::read(options.config)).run();
} catch (FormatError const& error) {
  spdlog::warn("console: {}: {}", error.reason(), error.what());
  send_text("ERROR " + error.reason() + ": " + error.what());
  send_close();
  return 3;
} catch (RequestError const& error) {
  spdlog::warn("console: {}", error.what());
  send_text(std::string("ERROR ") + error.what());
  send_close();
  return 3;
}

}  // namespace chistream::gateway
