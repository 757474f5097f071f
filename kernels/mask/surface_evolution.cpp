#include "mask/surface_evolution.hpp"

#include <algorithm>
#include <cmath>

namespace qsm {
namespace {

constexpr double kMinRadius_mm = 10.0 / 3, kMaxRadius_mm = 10;
constexpr int kMinDepth_mm = 7, kMaxDepth_mm = 3;  // of the profiles behind I_min and I_max
constexpr double kBeyond_mm = 10;                  // how far the image goes on outside its border

/// The image between voxel centres, linear along each axis.
class Interpolated {
 public:
  Interpolated(Field<float const> image, Vec3d voxel_mm) : image_(image), voxel_mm_(voxel_mm) {}

  double at(Vec3d p) const {
    Axis const x = along(p.x / voxel_mm_.x, 0);
    Axis const y = along(p.y / voxel_mm_.y, 1);
    Axis const z = along(p.z / voxel_mm_.z, 2);
    if (x.outside || y.outside || z.outside) return 0;
    auto const row = [&](int j, int k) {
      return (1 - x.part) * value(x.low, j, k) + x.part * value(x.high, j, k);
    };
    auto const plane = [&](int k) {
      return (1 - y.part) * row(y.low, k) + y.part * row(y.high, k);
    };
    return (1 - z.part) * plane(z.low) + z.part * plane(z.high);
  }

 private:
  struct Axis {
    int low, high;
    double part;
    bool outside;
  };

  Axis along(double position, int axis) const {
    double const last = image_.grid.extent(axis) - 1;
    double const beyond = kBeyond_mm / voxel_mm_[axis];
    if (!(position >= -beyond && position <= last + beyond)) return {0, 0, 0, true};
    double const inside = std::clamp(position, 0.0, last);
    int const low = static_cast<int>(inside);
    return {low, std::min(low + 1, static_cast<int>(last)), inside - low, false};
  }
  double value(int i, int j, int k) const { return static_cast<double>(image_[{i, j, k}]); }

  Field<float const> image_;
  Vec3d voxel_mm_;
};

/// What the forces need of the mesh: sums over the neighbours and the triangles of each vertex.
struct Shape {
  std::vector<Vec3d> neighbours;  // sum of their positions
  std::vector<Vec3d> normals;     // outward, not of unit length
  std::vector<int> degree;
  double mean_edge = 0;

  void measure(Mesh const& m) {
    std::size_t const count = m.vertices.size();
    neighbours.assign(count, {});
    normals.assign(count, {});
    degree.assign(count, 0);
    mean_edge = 0;
    for (auto const& triangle : m.triangles) {
      Vec3d const p[3] = {m.vertices[static_cast<std::size_t>(triangle[0])],
                          m.vertices[static_cast<std::size_t>(triangle[1])],
                          m.vertices[static_cast<std::size_t>(triangle[2])]};
      Vec3d const normal = cross(p[1] - p[0], p[2] - p[0]);
      for (int corner = 0; corner < 3; ++corner) {
        auto const n = static_cast<std::size_t>(triangle[static_cast<std::size_t>(corner)]);
        Vec3d const next = p[(corner + 1) % 3];
        neighbours[n] = neighbours[n] + next;
        normals[n] = normals[n] + normal;
        ++degree[n];
        mean_edge += std::sqrt(dot(next - p[corner], next - p[corner]));
      }
    }
    mean_edge /= 3.0 * static_cast<double>(m.triangles.size());
  }
};

/// f2: how much of the way to the plane of its neighbours a vertex goes.
double bending(double normal_part, double edge, double smoothing) {
  double const sharp = 1 / (smoothing * kMinRadius_mm), flat = 1 / (smoothing * kMaxRadius_mm);
  double const curvature = 2 * std::abs(normal_part) / (edge * edge);
  return 0.5 * (1 + std::tanh(6 / (sharp - flat) * (curvature - 0.5 * (sharp + flat))));
}

/// f3: above 0 where the image behind the vertex is bright throughout.
double expansion(Interpolated const& image, Vec3d vertex, Vec3d outward, GreyLevels const& levels,
                 double fraction) {
  double low = levels.middle, high = levels.threshold;
  for (int depth = 0; depth <= kMinDepth_mm; ++depth) {
    double const value = image.at(vertex - static_cast<double>(depth) * outward);
    low = std::min(low, value);
    if (depth <= kMaxDepth_mm) high = std::max(high, value);
  }
  low = std::max(low, levels.dark);
  high = std::min(high, levels.middle);
  double const range = high - levels.dark;
  return 2 * (low - levels.dark - fraction * range) / range;
}

}  // namespace

void evolve_surface(Field<float const> image, Vec3d voxel_mm, GreyLevels const& levels,
                    EvolutionOptions const& options, Mesh& surface) {
  Interpolated const interpolated(image, voxel_mm);
  Shape shape;
  for (int step = 0; step < options.steps; ++step) {
    shape.measure(surface);
    for (std::size_t n = 0; n < surface.vertices.size(); ++n) {
      Vec3d& vertex = surface.vertices[n];
      double const area = std::sqrt(dot(shape.normals[n], shape.normals[n]));
      if (area == 0) continue;  // folded flat: its neighbours move it again
      Vec3d const outward = (1 / area) * shape.normals[n];
      Vec3d const s = (1.0 / shape.degree[n]) * shape.neighbours[n] - vertex;
      double const along = dot(s, outward);
      double const f2 = bending(along, shape.mean_edge, options.smoothing);
      double const f3 =
          expansion(interpolated, vertex, outward, levels, options.fractional_intensity);
      vertex = vertex + 0.5 * (s - along * outward) +
               (f2 * along + 0.05 * f3 * shape.mean_edge) * outward;
    }
  }
}

}  // namespace qsm
