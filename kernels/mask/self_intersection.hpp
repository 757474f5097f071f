/// Whether a closed surface runs through itself.
#pragma once

#include "mask/icosphere.hpp"

namespace qsm {

/// True if an edge of one triangle passes through another triangle with which it shares no vertex.
/// Sorted along x; only triangles whose boxes overlap are compared.
bool self_intersects(Mesh const& mesh);

}  // namespace qsm
