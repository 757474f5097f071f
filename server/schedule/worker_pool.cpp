#include "schedule/worker_pool.hpp"

#include <algorithm>
#include <thread>

namespace chistream {
namespace {

// Workers on one processor share its threads; one alone, and one on a GPU, decides itself.
int threads_of_each(PoolOptions const& options) {
  bool const alone = options.workers * options.worker.catalogue.devices_size() == 1;
  if (options.threads > 0 || alone) return options.threads;
  int const all = static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, all / (options.workers * options.worker.catalogue.devices_size()));
}

}  // namespace

WorkerPool::WorkerPool(PoolOptions const& options, JobQueue& queue) {
  auto const& catalogue = options.worker.catalogue;
  for (auto const& device : catalogue.devices())
    for (int n = 0; n < options.workers; ++n) {
      std::string name = catalogue.device_kind() + "-" + std::to_string(device.index());
      if (options.workers > 1) name += static_cast<char>('a' + n);
      places_.push_back(std::make_unique<WorkerSupervisor>(
          SupervisorOptions{.worker = options.worker,
                            .name = name,
                            .device = device,
                            .socket = options.socket,
                            .threads = threads_of_each(options),
                            .cancel_grace = options.cancel_grace},
          queue));
    }
}

void WorkerPool::stop() {
  for (auto const& place : places_) place->request_stop();
  for (auto const& place : places_) place->stop();
}

std::vector<qsm::v1::WorkerStatus> WorkerPool::status() {
  std::vector<qsm::v1::WorkerStatus> all;
  for (auto const& place : places_) all.push_back(place->status());
  return all;
}

}  // namespace chistream
