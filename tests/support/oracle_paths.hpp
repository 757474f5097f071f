/// Path-based unwrapping by its definitions: qualities of edges, and Prim's algorithm.
#pragma once

#include <array>

#include "support/oracle_volume.hpp"

namespace qsm::oracle {

/// A number for each edge from a voxel to its neighbour at +x, +y, +z.
using Edges = std::array<Real, 3>;

struct RomeoTerms {
  Real const* phase = nullptr;
  Real const* second = nullptr;     // may be null
  Real const* magnitude = nullptr;  // may be null
  double te_ratio = 1;
  double m95 = 0;  // 0: without the factors of the magnitude's level
};

/// ROMEO's quality of each edge between mask voxels; 0 where there is none.
Edges romeo_quality(RomeoTerms const& terms, Mask const& mask);

/// 1 / (R_i + R_j) with best path's reliabilities; -1 where there is no edge.
Edges best_path_cost(Real const& phase, Mask const& mask);

/// max(1, rint((1 - q) 65535)); 0 for q = 0.
Edges integer_costs(Edges const& quality);

/// Mean quality of a voxel's six edges.
Real mean_quality(Edges const& quality);

struct Forest {
  Volume<int> turns;      // relative to the component's first voxel
  Volume<int> component;  // numbered from 0 in the order of their first voxels; -1 outside the mask
  int components = 0;
  double cost = 0;
};

/// Region growing from the first voxel of each component: always the edge with the least (cost,
/// 3 voxel + axis) that leaves what was reached. Cost 0: no edge.
Forest prim(Real const& phase, Mask const& mask, Edges const& costs);

/// The turn that brings each voxel nearest to its neighbours in its component, by the sum of
/// absolute steps over every turn in reach; 0 where none is better. A negative component is none.
Volume<int> neighbours_turn(Real const& phase, Volume<int> const& component);

}  // namespace qsm::oracle
