/// A worker that reconstructs nothing, for tests of the daemon with real processes. What it does
/// with a job stands in the override fake.behaviour, what it says of a container in the vendor
/// field of its header; it lists no device when a file "no-device" lies beside it.
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <thread>

#include "channel/channel.hpp"
#include "container/framing.hpp"
#include "container/sha256.hpp"
#include "qsm/v1/worker.grpc.pb.h"

namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kDeviceBytes = 1000;
using namespace qsm::v1;

[[noreturn]] void hang() {
  while (true) ::pause();
}

int describe(fs::path const& program) {
  WorkerCatalogue catalogue;
  catalogue.set_software("fake");
  catalogue.set_device_kind(program.filename() == "chistream-worker-cuda" ? "cuda" : "cpu");
  if (!fs::exists(program.parent_path() / "no-device")) {
    Device& device = *catalogue.add_devices();
    device.set_name("fake device");
    device.set_kind(catalogue.device_kind());
    device.set_memory_bytes(kDeviceBytes);
  }
  PipelineDescription& pipeline = *catalogue.add_pipelines();
  pipeline.set_name("fake");
  pipeline.set_version(1);
  OptionDescription& behaviour = *pipeline.add_options();
  behaviour.set_name("fake.behaviour");
  for (char const* choice :
       {"succeed", "crash", "crash-once", "fail", "obey-cancel", "ignore-cancel", "finish-twice",
        "wrong-count", "drop-heartbeat", "out-of-memory", "slow", "long", "large"})
    behaviour.add_choices(choice);
  behaviour.mutable_default_value()->set_choice("succeed");
  OptionDescription& alpha = *pipeline.add_options();
  alpha.set_name("fake.alpha");
  alpha.set_unit("mm");
  alpha.set_minimum(0.5);
  alpha.set_maximum(2);
  alpha.mutable_default_value()->set_number(1);
  OptionDescription& count = *pipeline.add_options();
  count.set_name("fake.count");
  count.set_integer(true);
  count.set_minimum(1);
  count.set_maximum(10);
  count.mutable_default_value()->set_number(1);
  OptionDescription& memory = *pipeline.add_options();
  memory.set_name("fake.bytes");
  memory.set_maximum(1e6);
  memory.mutable_default_value()->set_number(1);
  OptionDescription& radii = *pipeline.add_options();
  radii.set_name("fake.radii");
  radii.set_maximum(9);
  radii.mutable_default_value()->mutable_list()->add_values(1);
  std::cout << catalogue.SerializeAsString();
  return 0;
}

int inspect(fs::path const& container) {
  // Only the header: the daemon has checked the framing, and a stand-in is to take no time.
  std::ifstream file(container, std::ios::binary);
  qsm::container::RecordHead head;
  file.ignore(sizeof(qsm::container::kMagic));
  file.read(reinterpret_cast<char*>(&head), sizeof(head));
  std::string bytes(head.length, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  ExamHeader header;
  if (!file || !header.ParseFromString(bytes)) return 1;
  if (header.vendor() == "inspect-crash") std::abort();
  if (header.vendor() == "inspect-hang") hang();
  if (header.vendor() == "inspect-reject") {
    ErrorDetail detail;
    detail.set_reason("TE_NOT_INCREASING");
    detail.set_message("echo times 1, 1 s");
    std::cout << detail.SerializeAsString();
    return 2;
  }
  InputSummary summary;
  summary.set_vendor(header.vendor());
  summary.set_coils(header.coils());
  std::cout << summary.SerializeAsString();
  return 0;
}

int estimate() {
  JobSpec spec;
  if (!spec.ParseFromIstream(&std::cin)) return 1;
  Estimate estimate;
  estimate.set_peak_bytes(1);
  for (auto const& option : spec.overrides())
    if (option.option() == "fake.bytes")
      estimate.set_peak_bytes(static_cast<std::uint64_t>(option.number()));
  if (spec.has_identity()) return 1;  // is not to come here
  std::cout << estimate.SerializeAsString();
  return 0;
}

class Attempt {
 public:
  Attempt(WorkerService::Stub& stub, ClaimResponse const& work)
      : stub_(stub), work_(work), heartbeat_(stub_.Heartbeat(&heartbeat_context_)) {
    report(1);
    orders_ = std::thread([this] {
      for (TaskOrder order; heartbeat_->Read(&order);) cancelled_ = cancelled_ || order.cancel();
    });
  }
  ~Attempt() {
    heartbeat_->WritesDone();
    heartbeat_context_.TryCancel();
    orders_.join();
  }

  bool cancelled() const { return cancelled_; }
  void drop_heartbeat() { heartbeat_context_.TryCancel(); }

  void report(std::uint32_t iteration) {
    TaskReport report;
    *report.mutable_claim() = work_.claim();
    report.mutable_progress()->set_stage("inversion");
    report.mutable_progress()->set_iteration(iteration);
    heartbeat_->Write(report);
  }

  void put(std::string const& name, std::string const& type, std::string const& content) {
    grpc::ClientContext context;
    PutArtifactResponse response;
    auto const writer = stub_.PutArtifact(&context, &response);
    PutArtifactRequest message;
    *message.mutable_head()->mutable_claim() = work_.claim();
    Artifact& artifact = *message.mutable_head()->mutable_artifact();
    artifact.set_name(name);
    artifact.set_media_type(type);
    artifact.set_bytes(content.size());
    qsm::container::Sha256 sha256;
    sha256.update(std::as_bytes(std::span(content)));
    artifact.set_sha256(sha256.hex_digest());
    writer->Write(message);
    for (std::size_t at = 0; at < content.size(); at += 1u << 20) {
      message.set_data(content.substr(at, 1u << 20));
      writer->Write(message);
    }
    writer->WritesDone();
    if (writer->Finish().ok()) ++artifacts_;
  }

  grpc::StatusCode finish(FinishRequest::Outcome outcome, std::uint32_t extra_artifacts = 0,
                          std::string const& failure = "NOT_CONVERGED") {
    grpc::ClientContext context;
    FinishRequest request;
    FinishResponse response;
    *request.mutable_claim() = work_.claim();
    request.set_outcome(outcome);
    request.set_artifacts(artifacts_ + extra_artifacts);
    request.set_peak_bytes(1000);
    if (outcome == FinishRequest::OUTCOME_FAILED) {
      request.mutable_error()->set_reason(failure);
      request.mutable_error()->set_stage("inversion");
    }
    return stub_.Finish(&context, request, &response).error_code();
  }

 private:
  WorkerService::Stub& stub_;
  ClaimResponse const work_;
  grpc::ClientContext heartbeat_context_;
  std::unique_ptr<grpc::ClientReaderWriter<TaskReport, TaskOrder>> heartbeat_;
  std::atomic<bool> cancelled_ = false;
  std::thread orders_;
  std::uint32_t artifacts_ = 0;
};

void work_on(WorkerService::Stub& stub, ClaimResponse const& work) {
  std::string behaviour = "succeed";
  for (auto const& option : work.spec().overrides())
    if (option.option() == "fake.behaviour") behaviour = option.choice();
  Attempt attempt(stub, work);
  bool const first = work.claim().attempt() == 1;
  if (behaviour == "crash" || (behaviour == "crash-once" && first)) {
    attempt.put("half.txt", "text/plain", "half of a result");
    std::abort();
  }
  if (behaviour == "fail") {
    attempt.finish(FinishRequest::OUTCOME_FAILED);
    return;
  }
  if (behaviour == "out-of-memory") {
    attempt.finish(FinishRequest::OUTCOME_FAILED, 0, "OUT_OF_MEMORY");
    return;
  }
  if (behaviour == "ignore-cancel") hang();
  if (behaviour == "obey-cancel") {
    for (std::uint32_t i = 2; !attempt.cancelled(); ++i) {
      attempt.report(i);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    attempt.finish(FinishRequest::OUTCOME_CANCELLED);
    return;
  }
  if (behaviour == "slow" || behaviour == "long")  // 0.2 s, 6 s
    for (std::uint32_t i = 2; i < (behaviour == "slow" ? 22 : 602) && !attempt.cancelled(); ++i) {
      attempt.report(i);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  if (behaviour == "drop-heartbeat" && first) {
    attempt.drop_heartbeat();
    return;
  }
  // The content depends on the input and not on the attempt, as a reconstruction does.
  attempt.put("report.json", "application/json", "{\"input\":\"" + work.input_sha256() + "\"}");
  std::size_t const mib = behaviour == "large" ? 64 : 1;
  attempt.put("dicom/0002.dcm", "application/dicom", std::string((mib << 20) + 17, 'b'));
  attempt.put("dicom/0001.dcm", "application/dicom", std::string(5, 'a'));
  if (behaviour == "wrong-count" &&
      attempt.finish(FinishRequest::OUTCOME_SUCCEEDED, 1) == grpc::INVALID_ARGUMENT) {
    attempt.finish(FinishRequest::OUTCOME_FAILED);
    return;
  }
  attempt.finish(FinishRequest::OUTCOME_SUCCEEDED);
  if (behaviour == "finish-twice" && attempt.finish(FinishRequest::OUTCOME_FAILED) != grpc::ABORTED)
    std::cerr << "a stale Finish was not refused" << std::endl;
}

int serve(std::string const& socket, std::string const& worker_id, double idle_exit_s,
          qsm::channel::Credentials const& credentials) {
  auto const stub = WorkerService::NewStub(qsm::channel::open_channel(socket, credentials, {}));
  std::cout << "fake worker " << worker_id << " serves" << std::endl;
  while (true) {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    ClaimRequest request;
    request.set_worker_id(worker_id);
    request.mutable_device()->set_name("fake device");
    request.mutable_device()->set_memory_bytes(kDeviceBytes);
    request.set_wait_s(idle_exit_s > 0 ? idle_exit_s : 5);
    ClaimResponse work;
    if (!stub->Claim(&context, request, &work).ok()) return 1;
    if (work.end()) return 0;
    if (work.has_claim()) work_on(*stub, work);
    if (!work.has_claim() && idle_exit_s > 0) return 0;
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string const command = argc > 1 ? argv[1] : "";
  if (command == "describe") return describe(argv[0]);
  if (command == "inspect" && argc == 3) return inspect(argv[2]);
  if (command == "estimate" && argc == 3) return estimate();
  std::map<std::string, std::string> flags;
  for (int i = 2; i + 1 < argc; i += 2) flags[argv[i]] = argv[i + 1];
  if (command == "serve")
    return serve(flags["--socket"], flags["--worker-id"], std::atof(flags["--idle-exit-s"].c_str()),
                 {.token_file = flags["--token-file"],
                  .server_ca = flags["--tls-ca"],
                  .certificate = {},
                  .key = {}});
  std::cerr
      << "fake_worker describe | inspect FILE | estimate FILE | serve --socket S --worker-id ID\n";
  return 64;
}
