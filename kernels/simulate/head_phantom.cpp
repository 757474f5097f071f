#include "simulate/head_phantom.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "math/counter_noise.hpp"

namespace qsm {
namespace {

/// Numbers that make one head differ from another, drawn in the order of construction.
class Variation {
 public:
  explicit Variation(std::uint64_t seed) : key_(noise_key(seed, 0)) {}
  float around(double mean, double spread) {  // mean +- spread, uniform
    return static_cast<float>(mean + spread * (2 * uniform_at(key_, next_++) - 1));
  }
  Vec3 phase() {
    double const pi = std::numbers::pi;
    float const x = around(pi, pi), y = around(pi, pi);
    return {x, y, around(pi, pi)};
  }
  Vec3 near(Vec3 p, double spread) {
    float const x = around(p.x, spread), y = around(p.y, spread);
    return {x, y, around(p.z, spread)};
  }

 private:
  std::uint64_t key_;
  std::uint64_t next_ = 0;
};

Vec3 operator+(Vec3 a, Vec3 b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
Vec3 operator*(float s, Vec3 a) {
  return {s * a.x, s * a.y, s * a.z};
}
Vec3 unit(Vec3 a) {
  return (1 / std::sqrt(dot(a, a))) * a;
}

/// `yaw` turns about z (then `pitch` about x), degrees.
Solid solid(Tissue tissue, Vec3 centre, Vec3 semi, double yaw = 0, double pitch = 0) {
  double const degree = std::numbers::pi / 180;
  auto const c = static_cast<float>(std::cos(yaw * degree));
  auto const s = static_cast<float>(std::sin(yaw * degree));
  auto const u = static_cast<float>(std::cos(pitch * degree));
  auto const v = static_cast<float>(std::sin(pitch * degree));
  float const longest = std::max({semi.x, semi.y, semi.z});
  return {.centre = centre,
          .reach2 = longest * longest,
          .row_x = (1 / semi.x) * Vec3{c, s, 0},
          .row_y = (1 / semi.y) * Vec3{-s * u, c * u, v},
          .row_z = (1 / semi.z) * Vec3{s * v, -c * v, u},
          .label = static_cast<std::uint8_t>(tissue)};
}

Tube tube(Vec3 start, Vec3 end, float radius_start, float radius_end) {
  Vec3 const span = end - start;
  float const length2 = std::max(dot(span, span), 1e-6f);
  float const reach = std::sqrt(length2) / 2 + std::max(radius_start, radius_end);
  return {start, span, 1 / length2, radius_start, radius_end, 0.5f * (start + end), reach * reach};
}

class Builder {
 public:
  Builder(HeadPhantom& head, HeadOptions options) : head_(head), vary_(options.seed) {
    auto const scale = options.scale;
    require(scale >= 0.1 && scale <= 2, "SCAN_OPTIONS",
            "head scale " + std::to_string(scale) + " is outside 0.1 .. 2");
    Anatomy& a = head_.anatomy;
    a.size = {vary_.around(scale, 0.03 * scale), vary_.around(scale, 0.03 * scale),
              vary_.around(scale, 0.03 * scale)};
    a.cerebrum.semi = vary_.near(a.cerebrum.semi, 1);
    a.temporal.centre = vary_.near(a.temporal.centre, 1.5);
    a.cerebellum.semi = vary_.near(a.cerebellum.semi, 1);
    a.bone_mm = vary_.around(6, 0.8);
    a.fold_period_mm = vary_.around(34, 2.5);
    a.fold_phase = vary_.phase();
    a.warp_phase = vary_.phase();
    a.texture_phase = vary_.phase();
    outside_the_brain();
    ventricles();
    nuclei();
    lesions();
    sagittal_sinus();
    deep_veins();
    for (int n = 0; n < 18; ++n) cortical_vein(n);
  }

 private:
  /// A structure on both sides, mirrored but never quite alike.
  void pair(std::vector<Solid>& list, Tissue tissue, Vec3 centre, Vec3 semi, double yaw = 0,
            double pitch = 0, double shift = 0.8) {
    for (float const side : {1.0f, -1.0f}) {
      Vec3 const c = vary_.near({side * centre.x, centre.y, centre.z}, shift);
      float const grow = vary_.around(1, 0.06);
      list.push_back(solid(tissue, c, grow * semi, side * vary_.around(yaw, 3), pitch));
    }
  }
  void single(std::vector<Solid>& list, Tissue tissue, Vec3 centre, Vec3 semi, double yaw = 0,
              double pitch = 0, double shift = 0.8) {
    Vec3 const c = vary_.near(centre, shift);
    list.push_back(solid(tissue, c, vary_.around(1, 0.06) * semi, yaw, pitch));
  }

  void outside_the_brain() {
    auto& soft = head_.soft;
    single(soft, Tissue::kSoft, {0, -46, -58}, {46, 40, 52});  // face
    single(soft, Tissue::kSoft, {0, 24, -90}, {54, 48, 62});   // neck
    pair(soft, Tissue::kSoft, {31, -70, -22}, {14, 17, 14});   // eyes
    pair(soft, Tissue::kSoft, {50, 0, -58}, {18, 34, 30});     // jaw
    auto& air = head_.cavities;
    pair(air, Tissue::kSinus, {10, -76, 0}, {11, 6, 13}, 0, 0, 1.5);      // frontal
    pair(air, Tissue::kSinus, {8, -27, -36}, {9, 12, 10}, 0, 0, 1.5);     // sphenoid
    single(air, Tissue::kSinus, {0, -56, -34}, {13, 19, 13}, 0, 0, 1.5);  // ethmoid
    pair(air, Tissue::kSinus, {25, -60, -58}, {12, 14, 15});              // maxillary
    single(air, Tissue::kSinus, {0, -56, -66}, {9, 36, 14});              // nose
    single(air, Tissue::kSinus, {0, -14, -76}, {10, 8, 32});              // pharynx
    pair(air, Tissue::kSinus, {62, 10, -44}, {17, 3.6f, 3.6f});           // ear canals
    pair(air, Tissue::kSinus, {55, 27, -42}, {7, 10, 10});                // mastoid cells
  }

  void ventricles() {
    auto& r = head_.regions;
    pair(r, Tissue::kCsf, {7, -20, 13}, {3.6f, 12, 5}, -14, -12);       // frontal horn
    pair(r, Tissue::kCsf, {11, 6, 20}, {4, 17, 3.8f}, -12, 4);          // body
    pair(r, Tissue::kCsf, {21, 30, 12}, {5, 11, 6.5f}, -25, -25);       // trigone
    single(r, Tissue::kCsf, {0, 10, 3}, {2, 13, 8}, 0, 0, 0.3);         // third
    single(r, Tissue::kCsf, {0, 31, -31}, {5.5f, 4.5f, 9}, 0, 0, 0.5);  // fourth
  }

  void nuclei() {
    auto& r = head_.regions;
    pair(r, Tissue::kThalamus, {10.5f, 13, 7}, {7, 12.5f, 8}, -18);
    pair(r, Tissue::kCaudate, {13.5f, -17, 8}, {4.8f, 10, 7.5f}, -12);
    pair(r, Tissue::kCaudate, {17.5f, 2, 18}, {2.8f, 15, 3.2f}, -12, 8);
    pair(r, Tissue::kPutamen, {26, -1, 3}, {4.6f, 15, 9}, -12);
    pair(r, Tissue::kPallidum, {19.5f, 2, 1}, {3.6f, 9, 6}, -22);
    pair(r, Tissue::kRedNucleus, {5, 16.5f, -9.5f}, {3.4f, 3.4f, 4.6f}, 0, 0, 0.4);
    pair(r, Tissue::kSubstantiaNigra, {9, 9.5f, -13}, {6.6f, 2.6f, 4}, 28, -15, 0.4);
    pair(r, Tissue::kDentate, {15, 44, -36}, {8, 4.2f, 5}, 32);
  }

  void lesions() {
    auto& r = head_.regions;
    single(r, Tissue::kCalcification, {-30, 26, 22}, {3.6f, 3.2f, 3}, 20, 0, 4);
    single(r, Tissue::kBleed, {33, -26, 24}, {5, 3.8f, 4.2f}, 35, 10, 4);
  }

  /// From the middle of the brain along `direction` to `depth` mm below its surface.
  Vec3 below_surface(Vec3 direction, float depth) const {
    Vec3 const from{0, 4, 8};
    Vec3 const ray = unit(direction);
    float inside = 0, outside = 120;
    for (int halving = 0; halving < 24; ++halving) {
      float const t = (inside + outside) / 2;
      (head_.anatomy.brain_distance(from + t * ray).surface < -depth ? inside : outside) = t;
    }
    return from + inside * ray;
  }

  void vessel(std::vector<Vec3> const& path, float radius_start, float radius_end) {
    auto const steps = static_cast<float>(path.size() - 1);
    for (std::size_t n = 0; n + 1 < path.size(); ++n) {
      float const t = static_cast<float>(n) / steps, u = static_cast<float>(n + 1) / steps;
      head_.veins.push_back(tube(path[n], path[n + 1],
                                 radius_start + t * (radius_end - radius_start),
                                 radius_start + u * (radius_end - radius_start)));
    }
  }

  /// Elevation of a point of the sagittal sinus in the midplane, from the forehead (0) over the top
  /// to the occiput (1).
  static Vec3 over_the_top(float t) {
    float const angle = (25 + 150 * t) * std::numbers::pi_v<float> / 180;
    return {0, -std::cos(angle), std::sin(angle)};
  }

  void sagittal_sinus() {
    std::vector<Vec3> path;
    for (int n = 0; n <= 24; ++n)
      path.push_back(below_surface(over_the_top(static_cast<float>(n) / 24), 2.8f));
    vessel(path, 1, 2.6f);
    Vec3 const confluence = below_surface({0, 1, -0.12f}, 3);
    vessel({path.back(), confluence}, 2.6f, 2.6f);
    for (float const side : {1.0f, -1.0f}) {  // transverse sinuses
      std::vector<Vec3> turn{confluence};
      for (float const x : {0.35f, 0.7f, 1.0f})
        turn.push_back(below_surface({side * x, 1 - 0.55f * x, -0.30f}, 3));
      vessel(turn, 2.4f, 2);
    }
    vessel({confluence, vary_.near({0, 45, -2}, 1), vary_.near({0, 33, 8}, 1)}, 2, 1.5f);
  }

  void deep_veins() {
    for (float const side : {1.0f, -1.0f}) {
      vessel({vary_.near({side * 1.5f, 33, 8}, 0.3), vary_.near({side * 1.8f, 15, 14}, 0.4),
              vary_.near({side * 2.5f, -6, 12}, 0.4)},
             1.4f, 1.0f);  // internal cerebral
      vessel({vary_.near({side * 2.5f, -6, 12}, 0.4), vary_.near({side * 11, 0, 17}, 0.6),
              vary_.near({side * 16, 14, 18}, 0.8)},
             1.0f, 0.7f);  // thalamostriate
      vessel({vary_.near({side * 2.5f, -6, 12}, 0.4), vary_.near({side * 5, -20, 12}, 0.6),
              vary_.near({side * 10, -34, 14}, 1)},
             0.9f, 0.6f);  // septal
      vessel({vary_.near({side * 3, 34, 4}, 0.4), vary_.near({side * 13, 26, -8}, 1),
              vary_.near({side * 16, 4, -14}, 1)},
             1.3f, 0.8f);  // basal (Rosenthal)
    }
  }

  /// Down the convexity from the sagittal sinus, with a medullary branch into every second stretch.
  void cortical_vein(int n) {
    float const side = n % 2 == 0 ? 1.0f : -1.0f;
    Vec3 const top = over_the_top(vary_.around(0.08 + 0.05 * n, 0.02));
    float const lean = vary_.around(0, 0.35);
    float const end = vary_.around(1.15, 0.3);  // how far down, radians from the midplane
    std::vector<Vec3> path;
    int const stretches = 7;
    for (int k = 0; k <= stretches; ++k) {
      float const t = static_cast<float>(k) / stretches;
      float const angle = end * t;
      Vec3 const direction{side * std::sin(angle), top.y * std::cos(angle) + lean * t,
                           top.z * std::cos(angle)};
      path.push_back(below_surface(direction, k == 0 ? 2.8f : vary_.around(3.5, 1.2)));
    }
    vessel(path, vary_.around(1.6, 0.3), 0.8f);
    for (std::size_t k = 2; k < path.size(); k += 2) {
      Vec3 const inwards = unit(vary_.near(Vec3{0, 4, 10} - path[k], 8));
      Vec3 const knee = path[k] + vary_.around(12, 3) * inwards;
      vessel({path[k], knee, vary_.near(knee + 10.0f * inwards, 3)}, 0.9f, 0.5f);
    }
  }

  HeadPhantom& head_;
  Variation vary_;
};

}  // namespace

HeadPhantom::HeadPhantom(HeadOptions options) {
  Builder(*this, options);
}

HeadView HeadPhantom::view() const {
  return {anatomy,
          tissues,
          {soft.data(), list_grid(soft)},
          {cavities.data(), list_grid(cavities)},
          {regions.data(), list_grid(regions)},
          {veins.data(), list_grid(veins)}};
}

}  // namespace qsm
