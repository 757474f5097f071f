/// Path-based unwrapping of one echo or many: ROMEO (Dymerska et al., MRM 2021;85:2294) and best
/// path (Abdul-Rahman et al., Appl Opt 2007;46:6623) on a minimum spanning forest.
///
/// The result equals the data modulo 2 pi in every voxel. Differences to the published program:
/// neighbours are those of the volume at its border too, costs have 16 bits instead of 8, the whole
/// forest replaces seeds and region merging, single voxels go to their neighbours' turn, and a
/// component's turns are decided by all its voxels instead of the seed's.
///
/// Template   the first echo in space (its gradient compared with the second echo's), its turns by
///            how well it predicts the second echo; each further echo from the one before,
///              phi_e = w_e - 2 pi rint((w_e - ref) / 2 pi),   ref = phi_{e-1} TE_e / TE_{e-1};
///            then voxels where the quality of phi_e / 2 against ref / 2 is 1/2 or less are
///            unwrapped in space, the others being one component from the start. Needs phase that
///            is zero at TE = 0.
/// Individual each echo in space; each component's turns by the echo before.
/// One echo   in space; each component's median comes to lie in [-pi, pi].
///
/// In space: along the tree, and then single voxels by their neighbours (neighbour_turns.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "device/buffer.hpp"

namespace qsm {

enum class PathWeights { kRomeo, kBestPath };
enum class EchoMode { kTemplate, kIndividual };

struct RomeoOptions {
  PathWeights weights = PathWeights::kRomeo;  // of spatial unwrapping
  EchoMode mode = EchoMode::kTemplate;
  bool magnitude_level = false;    // weigh by how strong the signal is, not only by its steps
  float certain_quality = 0.5f;    // template: what is above keeps its prediction in time
  int min_component_voxels = 100;  // smaller pieces leave the mask
};

struct RomeoEchoes {
  std::vector<Field<float>> phases;            // [rad], at any turn; unwrapped in place
  std::vector<Field<float const>> magnitudes;  // one per echo, or none
  std::vector<double> te_s;
};

struct RomeoSummary {
  int components = 0;        // of the first echo
  std::size_t dropped = 0;   // voxels taken out of the mask
  std::size_t repaired = 0;  // over all echoes: prediction in time replaced by a path in space
  std::size_t settled = 0;   // over the echoes unwrapped in space: single voxels brought home
};

/// `mask` loses voxels where the first echo is not finite, and pieces too small. Phases become 0
/// outside the mask and where an echo is not finite.
///
/// Memory: 37 bytes per voxel. Cost: one evaluation of the weights and one forest, in template mode
/// two evaluations and a forest that is nearly complete at the start per further echo. 4 million
/// voxels on two cores: see docs/algorithms.md. Throws Error{kInvalidArgument}: ECHO_COUNT,
/// ECHO_TIMES, EMPTY_MASK (also where no piece is large enough).
template <class Device>
RomeoSummary romeo_unwrap(Device const& device, RomeoEchoes const& echoes,
                          RomeoOptions const& options, Field<std::uint8_t> mask);

/// ROMEO's quality of the first echo's voxels, in [0, 1]; 0 outside the mask. Before or after
/// unwrapping: only wrapped differences count.
template <class Device>
void romeo_quality(Device const& device, RomeoEchoes const& echoes, Field<std::uint8_t const> mask,
                   Field<float> quality);

}  // namespace qsm
