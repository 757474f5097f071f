/// How long a certificate is good for.
#pragma once

#include <filesystem>

namespace chistream {

/// Days until the first certificate of a PEM file ends, negative afterwards. Throws RequestError
/// INVALID_ARGUMENT TLS_FILES.
double certificate_days(std::filesystem::path const& path);

}  // namespace chistream
