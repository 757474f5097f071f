#include "daemon/inspector.hpp"

#include <algorithm>
#include <thread>

#include "process/child_process.hpp"
#include "store/request_error.hpp"

namespace chistream {
namespace {

constexpr int kRejected = 2;  // the container is bad; stdout says why

[[noreturn]] void failed(std::string const& how) {
  qsm::v1::ErrorDetail detail;
  detail.set_reason("INSPECT_FAILED");
  detail.set_message("the check of the content " + how);
  detail.set_retryable(true);
  detail.set_hint("commit again; the upload is still there");
  throw RequestError(grpc::INTERNAL, detail);
}

}  // namespace

Inspector::Inspector(std::filesystem::path worker, std::chrono::milliseconds timeout)
    : worker_(std::move(worker)),
      timeout_(timeout),
      turns_(std::make_shared<std::counting_semaphore<>>(
          std::max(1u, std::thread::hardware_concurrency()))) {}

qsm::v1::InputSummary Inspector::operator()(std::filesystem::path const& container) const {
  turns_->acquire();
  std::unique_ptr<std::counting_semaphore<>, void (*)(std::counting_semaphore<>*)> const turn(
      turns_.get(), [](auto* turns) { turns->release(); });
  auto const captured = run_program({worker_.string(), "inspect", container.string()}, timeout_);
  if (!captured) failed("took longer than " + std::to_string(timeout_.count()) + " ms");
  if (captured->end.exit_code == kRejected) {
    qsm::v1::ErrorDetail detail;
    if (detail.ParseFromString(captured->output) && !detail.reason().empty())
      throw RequestError(grpc::INVALID_ARGUMENT, detail);
  }
  qsm::v1::InputSummary summary;
  if (captured->end.exit_code != 0 || !summary.ParseFromString(captured->output))
    failed("ended with " + captured->end.text);
  return summary;
}

}  // namespace chistream
