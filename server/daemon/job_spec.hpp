/// What a client asks for, against what the workers offer.
#pragma once

#include "qsm/v1/job.pb.h"
#include "qsm/v1/pipeline.pb.h"

namespace chistream {

/// An open enum: a newer client may name what is not here. Throws RequestError INVALID_ARGUMENT
/// UNKNOWN_PRIORITY.
void check_priority(int priority);

/// The spec with its pipeline resolved to name@version. Throws RequestError INVALID_ARGUMENT:
/// UNKNOWN_PIPELINE, UNKNOWN_OPTION, DUPLICATE_OPTION, OPTION_WRONG_TYPE, OPTION_OUT_OF_RANGE,
/// OPTION_NOT_A_CHOICE, UNKNOWN_SERIES, UNKNOWN_PRIORITY, BAD_QUEUE_TIME.
qsm::v1::JobSpec resolve(qsm::v1::JobSpec const& spec, qsm::v1::WorkerCatalogue const& catalogue);

}  // namespace chistream
