#include "schedule/worker_choice.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "process/child_process.hpp"
#include "store/request_error.hpp"

namespace chistream {
namespace {

// A first start on a GPU may load and compile for a while.
constexpr std::chrono::seconds kDescribeTimeout{60};

struct Answer {
  std::optional<qsm::v1::WorkerCatalogue> catalogue;
  std::string why_not;
};

Answer describe(std::filesystem::path const& program, bool elsewhere) {
  if (!std::filesystem::exists(program)) return {{}, program.string() + " does not exist"};
  auto const captured = run_program({program.string(), "describe"}, kDescribeTimeout);
  if (!captured) return {{}, program.string() + " describe gave no answer in time"};
  if (captured->end.exit_code != 0)
    return {{}, program.string() + " describe ended with " + captured->end.text};
  qsm::v1::WorkerCatalogue catalogue;
  if (!catalogue.ParseFromString(captured->output) || catalogue.pipelines().empty())
    return {{}, program.string() + " describe printed no catalogue"};
  if (elsewhere) catalogue.clear_devices();
  if (catalogue.devices().empty() && !elsewhere) return {{}, program.string() + " finds no device"};
  return {catalogue, ""};
}

}  // namespace

std::uint64_t WorkerChoice::largest_device_bytes() const {
  std::uint64_t most = 0;
  for (auto const& device : catalogue.devices()) most = std::max(most, device.memory_bytes());
  return most;
}

WorkerChoice choose_worker(std::string const& device, std::filesystem::path const& directory,
                           bool elsewhere) {
  std::filesystem::path const cuda = directory / "chistream-worker-cuda";
  std::filesystem::path const cpu = directory / "chistream-worker-cpu";
  if (device != "cpu") {
    Answer const answer = describe(cuda, elsewhere);
    if (answer.catalogue) return {cuda, *answer.catalogue};
    if (device == "cuda")
      throw RequestError(grpc::FAILED_PRECONDITION, "NO_CUDA_DEVICE",
                         "device is cuda, but " + answer.why_not,
                         "device auto or cpu runs without a GPU");
    spdlog::warn("NO GPU IS USED: {}; reconstructing on the processor", answer.why_not);
  }
  Answer const answer = describe(cpu, elsewhere);
  if (!answer.catalogue)
    throw RequestError(grpc::FAILED_PRECONDITION, "NO_WORKER", answer.why_not,
                       "worker-dir names the directory of the chistream-worker programs");
  return {cpu, *answer.catalogue};
}

}  // namespace chistream
