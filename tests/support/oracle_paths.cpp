#include "support/oracle_paths.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <tuple>

#include "support/oracle_unwrap.hpp"

namespace qsm::oracle {
namespace {

constexpr double kPi = std::numbers::pi;

Voxel moved(Voxel v, int axis, int by) {
  v[axis] += by;
  return v;
}

double floored(double term) {
  return 0.1 + 0.9 * term;
}

double bend(Real const& w, Voxel a, Voxel b, Voxel c) {
  double const d = std::abs(wrap(w.at(a) - 2 * w.at(b) + w.at(c)));
  return std::isnan(d) ? 0.5 : std::max(0.0, 1 - d / 2);
}

double quality(RomeoTerms const& t, Voxel i, Voxel j, int axis) {
  Real const& w = *t.phase;
  double const d = wrap(w.at(i) - w.at(j));
  if (!std::isfinite(d)) return 0;
  double q = floored(1 - std::abs(d) / kPi);
  if (t.second) {
    double const other = wrap(t.second->at(i) - t.second->at(j)) * t.te_ratio;
    q *= floored(std::isfinite(other) ? std::max(0.0, 1 - std::abs(d - other)) : 0);
  }
  Voxel const h = moved(i, axis, -1), k = moved(j, axis, 1);
  q *= floored(w.contains(h) && w.contains(k) ? bend(w, h, i, j) * bend(w, i, j, k) : 0.9);
  if (!t.magnitude) return q;
  double const a = t.magnitude->at(i), b = t.magnitude->at(j);
  double const low = a > 0 && b > 0 ? std::min(a, b) : 0;
  double const high = std::max(a > 0 ? a : 0, b > 0 ? b : 0);
  q *= floored(high > 0 ? (low / high) * (low / high) : 0);
  if (t.m95 == 0) return q;
  q *= floored(0.5 + 0.5 * std::min(1.0, low / (t.m95 / 2)));
  return q * floored(0.5 + 0.5 * (high > 0 ? std::min(1.0, t.m95 / 2 / high) : 1));
}

/// Calls visit(axis, i, j) for every edge of the volume between mask voxels.
template <class Visit>
void every_edge(Mask const& mask, Visit visit) {
  every_voxel(mask.size, [&](Voxel i) {
    for (int axis = 0; axis < 3; ++axis) {
      Voxel const j = moved(i, axis, 1);
      if (mask.contains(j) && mask.at(i) && mask.at(j)) visit(axis, i, j);
    }
  });
}

Edges edges(Size s, double value) {
  return {Real(s, value), Real(s, value), Real(s, value)};
}

/// Root of the sum of squared second differences over the 13 opposite pairs.
double unreliability(Real const& w, Mask const& mask, Voxel v) {
  double sum = 0;
  for (int dk = -1; dk <= 1; ++dk)
    for (int dj = -1; dj <= 1; ++dj)
      for (int di = -1; di <= 1; ++di) {
        if (std::tuple(dk, dj, di) <= std::tuple(0, 0, 0)) continue;
        Voxel const low{v.i - di, v.j - dj, v.k - dk}, high{v.i + di, v.j + dj, v.k + dk};
        bool const whole = w.contains(low) && w.contains(high) && mask.at(low) && mask.at(high);
        double const d = whole ? wrap(w.at(low) - w.at(v)) - wrap(w.at(v) - w.at(high)) : 2 * kPi;
        sum += std::isfinite(d) ? d * d : 4 * kPi * kPi;
      }
  return std::sqrt(sum);
}

}  // namespace

Edges romeo_quality(RomeoTerms const& terms, Mask const& mask) {
  Edges q = edges(mask.size, 0);
  every_edge(mask, [&](int axis, Voxel i, Voxel j) {
    q[static_cast<std::size_t>(axis)].at(i) = quality(terms, i, j, axis);
  });
  return q;
}

Edges best_path_cost(Real const& phase, Mask const& mask) {
  Edges cost = edges(mask.size, -1);
  every_edge(mask, [&](int axis, Voxel i, Voxel j) {
    if (!std::isfinite(phase.at(i)) || !std::isfinite(phase.at(j))) return;
    double const a = unreliability(phase, mask, i), b = unreliability(phase, mask, j);
    cost[static_cast<std::size_t>(axis)].at(i) = a == 0 || b == 0 ? 0 : 1 / (1 / a + 1 / b);
  });
  return cost;
}

Edges integer_costs(Edges const& quality) {
  Edges costs = quality;
  for (Real& axis : costs)
    for (double& q : axis.data) q = q > 0 ? std::max(1.0, std::rint((1 - q) * 65535)) : 0;
  return costs;
}

Real mean_quality(Edges const& quality) {
  Real mean(quality[0].size);
  every_voxel(mean.size, [&](Voxel v) {
    for (int axis = 0; axis < 3; ++axis) {
      Real const& q = quality[static_cast<std::size_t>(axis)];
      mean.at(v) += q.at(v) / 6;
      if (v[axis] > 0) mean.at(v) += q.at(moved(v, axis, -1)) / 6;
    }
  });
  return mean;
}

Forest prim(Real const& phase, Mask const& mask, Edges const& costs) {
  Size const s = mask.size;
  Forest forest{Volume<int>(s), Volume<int>(s, -1), 0, 0};
  using Edge = std::tuple<double, std::size_t, int>;  // cost, 3 voxel + axis, direction
  std::set<Edge> leaving;
  Volume<std::size_t> number(s);
  for (std::size_t n = 0; n < number.data.size(); ++n) number.data[n] = n;
  std::vector<Voxel> voxels;
  every_voxel(s, [&](Voxel v) { voxels.push_back(v); });

  auto const reach = [&](Voxel v, int component, int turns) {
    forest.component.at(v) = component;
    forest.turns.at(v) = turns;
    for (int axis = 0; axis < 3; ++axis)
      for (int by : {1, -1}) {
        Voxel const other = moved(v, axis, by);
        if (!mask.contains(other)) continue;
        Voxel const first = by > 0 ? v : other;
        double const cost = costs[static_cast<std::size_t>(axis)].at(first);
        if (cost > 0)
          leaving.insert({cost, 3 * number.at(first) + static_cast<std::size_t>(axis), by});
      }
  };
  for (Voxel const& start : voxels) {
    if (!mask.at(start) || forest.component.at(start) >= 0) continue;
    reach(start, forest.components, 0);
    while (!leaving.empty()) {
      auto const [cost, edge, by] = *leaving.begin();
      leaving.erase(leaving.begin());
      Voxel const a = voxels[edge / 3], b = moved(a, static_cast<int>(edge % 3), 1);
      Voxel const from = by > 0 ? a : b, to = by > 0 ? b : a;
      if (forest.component.at(to) >= 0) continue;
      double const step = std::rint((phase.at(from) - phase.at(to)) / (2 * kPi));
      reach(to, forest.components, forest.turns.at(from) + static_cast<int>(step));
      forest.cost += cost;
    }
    ++forest.components;
  }
  return forest;
}

Volume<int> neighbours_turn(Real const& phase, Volume<int> const& component) {
  constexpr int kReach = 9;
  Volume<int> turns(phase.size);
  every_voxel(phase.size, [&](Voxel v) {
    if (component.at(v) < 0) return;
    auto const length = [&](int k) {
      double sum = 0;
      for (int axis = 0; axis < 3; ++axis)
        for (int by : {1, -1}) {
          Voxel const other = moved(v, axis, by);
          if (phase.contains(other) && component.at(other) == component.at(v))
            sum += std::abs(phase.at(other) - phase.at(v) - 2 * kPi * k);
        }
      return sum;
    };
    double least = length(0);
    for (int k = -kReach; k <= kReach; ++k)
      if (length(k) < least - 1e-4) {  // floats tell no nearer ones apart
        least = length(k);
        turns.at(v) = k;
      }
  });
  return turns;
}

}  // namespace qsm::oracle
