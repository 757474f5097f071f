#include <nlohmann/json.hpp>

#include "load.hpp"
#include "session/connection.hpp"
#include "session/stopwatch.hpp"

namespace chistream::load {

std::string submit_jobs(std::string const& server, std::string const& upload_id, unsigned count,
                        std::string const& behaviour) {
  Connection connection(server);
  std::vector<std::string> ids;
  Stopwatch clock;
  for (unsigned i = 0; i < count; ++i) {
    qsm::v1::SubmitJobRequest request;
    request.set_request_id(upload_id + " " + behaviour + " " + std::to_string(i));
    request.mutable_spec()->set_upload_id(upload_id);
    auto& option = *request.mutable_spec()->add_overrides();
    option.set_option("fake.behaviour");
    option.set_choice(behaviour);
    grpc::ClientContext context;
    qsm::v1::Job job;
    check(connection.jobs->SubmitJob(&context, request, &job));
    ids.push_back(job.job_id());
  }
  return nlohmann::json{{"job_ids", ids}, {"seconds", clock.lap()}}.dump();
}

}  // namespace chistream::load
