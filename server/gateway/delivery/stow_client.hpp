/// Sends instances to a DICOMweb node by STOW-RS (PS3.18 10.5).
#pragma once

#include "gateway/delivery/store_user.hpp"

namespace chistream::gateway {

/// As store_instances(): one request per instance on one connection, so that each has an answer of
/// its own. 200 is stored, 202 stored with a warning (B000), 409 refused with the reason that the
/// answer names. Other refusals (400, 404, 415) are permanent; 401, 403, 408, 429 and 5xx are tried
/// again. The token is read anew every time, so that it may be replaced. Throws NodeError.
void stow_instances(NodeSettings const& node, std::vector<OutgoingInstance> const& instances,
                    std::function<bool(std::size_t, StoreAnswer const&)> const& answered);

/// Whether anybody answers HTTP there. Throws NodeError.
void ask_stow_node(NodeSettings const& node);

}  // namespace chistream::gateway
