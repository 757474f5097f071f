/// A container on the gateway's own disk.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "formats/container_writer.hpp"

namespace chistream::gateway {

/// Makes `path` anew and has `fill` write into it; whoever follows the file sees it grow. Answers
/// the SHA-256, lower-case hex. Throws FormatError FILE_UNWRITABLE, and what `fill` throws.
std::string write_container(std::filesystem::path const& path,
                            std::function<void(ContainerWriter&)> const& fill);

}  // namespace chistream::gateway
