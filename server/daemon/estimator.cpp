#include "daemon/estimator.hpp"

#include "process/child_process.hpp"
#include "store/request_error.hpp"

namespace chistream {
namespace {

constexpr std::chrono::seconds kTimeout{20};

std::string mebibytes(std::uint64_t bytes) {
  return std::to_string((bytes + (1u << 20) - 1) >> 20) + " MiB";
}

}  // namespace

qsm::v1::Estimate Estimator::operator()(qsm::v1::JobSpec const& spec,
                                        std::filesystem::path const& container) const {
  qsm::v1::JobSpec asked = spec;
  asked.clear_identity();  // no patient data in another process that does not need it
  auto const captured = run_program({worker_.string(), "estimate", container.string()}, kTimeout,
                                    asked.SerializeAsString());
  qsm::v1::Estimate estimate;
  if (!captured || captured->end.exit_code != 0 || !estimate.ParseFromString(captured->output)) {
    qsm::v1::ErrorDetail detail;
    detail.set_reason("ESTIMATE_FAILED");
    detail.set_message("the worker's estimate ended with " +
                       (captured ? captured->end.text : "no answer in time"));
    detail.set_retryable(true);
    throw RequestError(grpc::INTERNAL, detail);
  }
  estimate.set_device_bytes(device_bytes_);
  estimate.set_fits(device_bytes_ == 0 || estimate.peak_bytes() <= device_bytes_);
  return estimate;
}

void require_fit(qsm::v1::Estimate const& estimate) {
  if (!estimate.fits())
    throw RequestError(grpc::FAILED_PRECONDITION, "DOES_NOT_FIT",
                       "the reconstruction needs about " + mebibytes(estimate.peak_bytes()) +
                           ", and the largest device here has " +
                           mebibytes(estimate.device_bytes()),
                       "less padding (inversion.pad), or a larger machine");
}

}  // namespace chistream
