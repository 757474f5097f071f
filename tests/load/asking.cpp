#include <algorithm>
#include <atomic>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "load.hpp"
#include "session/connection.hpp"

namespace chistream::load {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

volatile std::sig_atomic_t told_to_end = 0;

}  // namespace

std::string ask(std::string const& server, std::string const& job_id, double seconds,
                double pause_ms) {
  Connection connection(server);
  qsm::v1::JobRef request;
  request.set_job_id(job_id);
  std::vector<double> took_ms;
  auto const end = Clock::now() + std::chrono::duration<double>(seconds);
  // Calls are due by the clock: one that takes long makes the next wait, and that counts too.
  std::signal(SIGTERM, [](int) { told_to_end = 1; });
  for (auto due = Clock::now(); due < end && !told_to_end;
       due += std::chrono::duration_cast<Clock::duration>(Milliseconds(pause_ms))) {
    std::this_thread::sleep_until(due);
    grpc::ClientContext context;
    qsm::v1::Job job;
    check(connection.jobs->GetJob(&context, request, &job));
    took_ms.push_back(Milliseconds(Clock::now() - due).count());
  }
  std::sort(took_ms.begin(), took_ms.end());
  auto const quantile = [&](std::size_t percent) {
    return took_ms[std::min(took_ms.size() - 1, took_ms.size() * percent / 100)];
  };
  return nlohmann::json{{"calls", took_ms.size()},
                        {"p50_ms", quantile(50)},
                        {"p99_ms", quantile(99)},
                        {"most_ms", took_ms.back()}}
      .dump();
}

std::string read_slowly(std::string const& server, std::string const& job_id, unsigned readers,
                        double seconds, double pause_ms) {
  std::atomic<std::uint64_t> messages = 0;
  auto const end = Clock::now() + std::chrono::duration<double>(seconds);
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < readers; ++i)
      threads.emplace_back([&] {
        Connection connection(server);
        grpc::ClientContext context;
        qsm::v1::StreamSeriesRequest request;
        request.set_job_id(job_id);
        auto const stream = connection.results->StreamSeries(&context, request);
        for (qsm::v1::SeriesItem item; Clock::now() < end && stream->Read(&item); ++messages)
          std::this_thread::sleep_for(Milliseconds(pause_ms));
        context.TryCancel();
        stream->Finish();
      });
  }
  return nlohmann::json{{"messages", messages.load()}}.dump();
}

}  // namespace chistream::load
