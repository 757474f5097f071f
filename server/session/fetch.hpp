/// Brings results home, whole or not at all.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "session/connection.hpp"

namespace chistream {

enum class Wanted { kAll, kDicom, kNifti };

struct Fetched {
  std::uint32_t instances = 0;
  std::uint32_t files = 0;
  std::uint64_t bytes = 0;
  double last_instance_s = 0;  // from the call to the verified manifest
};

/// Writes folder/dicom/*.dcm and folder/chi.nii.gz and so on, replacing what an earlier fetch put
/// there.
///
/// Every file is checked against its SHA-256, the series against its manifest; all of them lie in a
/// hidden folder beside their place until they are whole, then appear by rename. A broken
/// connection is taken up again: files where they stopped, the series from its start. Throws
/// RpcError (JOB_NOT_SUCCEEDED and so on) and FormatError: RESULT_DAMAGED, SERIES_INCOMPLETE,
/// BAD_ARTIFACT_NAME, OUTPUT_IN_USE (folder/dicom holds something else), FILE_UNWRITABLE.
Fetched fetch_results(Connection& server, std::string const& job_id,
                      std::filesystem::path const& folder, Wanted wanted, Patience const& patience);

}  // namespace chistream
