#include "session/job.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <random>

#include "container/sha256.hpp"

namespace chistream {

namespace {

std::string digest_of(qsm::v1::JobSpec const& spec) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    spec.SerializeToCodedStream(&coded);
  }
  return qsm::container::sha256_hex(bytes);
}

}  // namespace

std::string random_request_id(std::string const& prefix) {
  std::random_device source;
  std::string id = prefix + "-";
  for (int i = 0; i < 4; ++i) id += std::to_string(source());
  return id;
}

qsm::v1::Job submit_job(Connection& server, qsm::v1::JobSpec const& spec, bool fresh,
                        Patience const& patience) {
  std::string const base = "job-" + digest_of(spec);
  std::string const stem = fresh ? random_request_id(base) : base;
  for (unsigned attempt = 0;; ++attempt) {
    qsm::v1::SubmitJobRequest request;
    request.set_request_id(stem + "-" + std::to_string(attempt));
    *request.mutable_spec() = spec;
    auto const job = call_with_patience<qsm::v1::Job>(
        patience, [&](grpc::ClientContext* context, qsm::v1::Job* response) {
          return server.jobs->SubmitJob(context, request, response);
        });
    bool const has_result =
        job.state() == qsm::v1::JOB_STATE_SUCCEEDED && !job.has_result_removed_at();
    if (!is_terminal(job.state()) || has_result) return job;
  }
}

bool is_terminal(qsm::v1::JobState state) {
  return state >= qsm::v1::JOB_STATE_SUCCEEDED;
}

std::string state_name(qsm::v1::JobState state) {
  constexpr std::string_view kPrefix = "JOB_STATE_";
  return qsm::v1::JobState_Name(state).substr(kPrefix.size());
}

std::vector<std::string> state_names() {
  std::vector<std::string> names;
  for (int s = qsm::v1::JOB_STATE_QUEUED; s <= qsm::v1::JobState_MAX; ++s)
    names.push_back(state_name(static_cast<qsm::v1::JobState>(s)));
  return names;
}

qsm::v1::JobState state_called(std::string name) {
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  qsm::v1::JobState state = qsm::v1::JOB_STATE_UNSPECIFIED;
  qsm::v1::JobState_Parse("JOB_STATE_" + name, &state);
  return state;
}

qsm::v1::Job watch_job(Connection& server, std::string const& job_id, Patience const& patience,
                       std::function<void(qsm::v1::Job const&)> const& changed) {
  // Heartbeats come every 5 s, but gRPC 1.51 has no deadline per message: streams end after a
  // while, so that a dead connection is noticed, and every new one goes on after the last event.
  constexpr std::chrono::seconds kStreamLife{60};
  qsm::v1::Job last;
  qsm::v1::WatchJobRequest request;
  request.set_job_id(job_id);
  with_patience(patience, [&](auto const& got_on) {
    while (!is_terminal(last.state())) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kStreamLife);
      auto const stream = server.jobs->WatchJob(&context, request);
      qsm::v1::JobEvent event;
      bool heard = false;
      while (stream->Read(&event)) {
        got_on();
        heard = true;
        last = event.job();
        request.set_after_seq(event.seq());
        changed(last);
      }
      auto const status = stream->Finish();
      bool const expired = status.error_code() == grpc::DEADLINE_EXCEEDED && heard;
      if (!expired) check(status);
    }
  });
  return last;
}

}  // namespace chistream
