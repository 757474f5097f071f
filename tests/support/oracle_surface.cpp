#include "support/oracle_surface.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

namespace qsm::oracle {
namespace {

Vector minus(Vector a, Vector b) {
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}
double inner(Vector a, Vector b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
Vector outer(Vector a, Vector b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

double value(Real const& image, Vector h, Vector p) {
  Voxel base;
  double part[3];
  for (int a = 0; a < 3; ++a) {
    double const last = (image.size[a] - 1) * h[a];
    if (p[a] < -10 || p[a] > last + 10) return 0;
    double const t = std::min(std::max(p[a], 0.0), last) / h[a];
    base[a] = std::min(static_cast<int>(std::floor(t)), std::max(image.size[a] - 2, 0));
    part[a] = t - base[a];
  }
  double sum = 0;
  for (int corner = 0; corner < 8; ++corner) {
    Voxel v = base;
    double weight = 1;
    for (int a = 0; a < 3; ++a) {
      bool const upper = (corner >> a) & 1;
      weight *= upper ? part[a] : 1 - part[a];
      v[a] = std::min(v[a] + (upper ? 1 : 0), image.size[a] - 1);
    }
    sum += weight * image.at(v);
  }
  return sum;
}

}  // namespace

Surface moved(Surface const& surface, Real const& image, SurfaceForces const& forces) {
  std::size_t const count = surface.vertices.size();
  std::vector<std::set<int>> neighbours(count);
  std::vector<Vector> normals(count, Vector{});
  for (auto const& t : surface.triangles)
    for (int c = 0; c < 3; ++c) {
      int const a = t[c], b = t[(c + 1) % 3], d = t[(c + 2) % 3];
      neighbours[a].insert({b, d});
      Vector const n = outer(minus(surface.vertices[b], surface.vertices[a]),
                             minus(surface.vertices[d], surface.vertices[a]));
      for (int x = 0; x < 3; ++x) normals[a][x] += n[x];
    }
  double edges = 0, length = 0;
  for (std::size_t a = 0; a < count; ++a)
    for (int const b : neighbours[a]) {
      Vector const e = minus(surface.vertices[b], surface.vertices[a]);
      length += std::sqrt(inner(e, e));
      ++edges;
    }
  length /= edges;

  double const e = (1 / forces.r_min + 1 / forces.r_max) / 2;
  double const f = 6 / (1 / forces.r_min - 1 / forces.r_max);
  Surface result = surface;
  for (std::size_t a = 0; a < count; ++a) {
    Vector const x = surface.vertices[a];
    Vector mean{}, n = normals[a];
    for (int const b : neighbours[a])
      for (int c = 0; c < 3; ++c)
        mean[c] += surface.vertices[b][c] / static_cast<double>(neighbours[a].size());
    double const size = std::sqrt(inner(n, n));
    for (double& c : n) c /= size;
    Vector const s = minus(mean, x);
    double const across = inner(s, n);

    double const radius = length * length / (2 * std::abs(across));
    double const f2 = (1 + std::tanh(f * (1 / radius - e))) / 2;
    double low = forces.middle, high = forces.threshold;
    for (int depth = 0; depth <= 7; ++depth) {
      Vector const p = {x[0] - depth * n[0], x[1] - depth * n[1], x[2] - depth * n[2]};
      double const v = value(image, forces.voxel_mm, p);
      low = std::min(low, v);
      if (depth <= 3) high = std::max(high, v);
    }
    low = std::max(low, forces.dark);
    high = std::min(high, forces.middle);
    double const limit = forces.dark + forces.fraction * (high - forces.dark);
    double const f3 = 2 * (low - limit) / (high - forces.dark);
    for (int c = 0; c < 3; ++c) {
      double const normal_part = across * n[c], tangential = s[c] - normal_part;
      result.vertices[a][c] =
          x[c] + 0.5 * tangential + f2 * normal_part + 0.05 * f3 * length * n[c];
    }
  }
  return result;
}

double winding_number(Surface const& surface, Vector point) {
  double angle = 0;
  for (auto const& t : surface.triangles) {
    Vector const a = minus(surface.vertices[t[0]], point), b = minus(surface.vertices[t[1]], point),
                 c = minus(surface.vertices[t[2]], point);
    double const la = std::sqrt(inner(a, a)), lb = std::sqrt(inner(b, b)),
                 lc = std::sqrt(inner(c, c));
    double const volume = inner(a, outer(b, c));
    double const rest = la * lb * lc + inner(a, b) * lc + inner(b, c) * la + inner(c, a) * lb;
    angle += 2 * std::atan2(volume, rest);
  }
  return angle / (4 * std::numbers::pi);
}

}  // namespace qsm::oracle
