/// An analytic head: what tissue, and of what susceptibility, lies at a point of the patient frame.
///
/// Nothing is tied to a grid, so any matrix, voxel and orientation samples the same head. Points
/// are LPS millimetres about an origin in the middle of the brain; the head's width, length and
/// height are about 145, 175 and 150 mm, neck and face below and before it.
///
/// Evaluation works outwards in: distance to the brain surface gives bone and scalp; inside it,
/// distance to folded sheets (sulci, fissures) gives cerebrospinal fluid, cortex and white matter;
/// solids are painted over that (ventricles, nuclei, lesions), veins last.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "device/buffer.hpp"
#include "simulate/head_shapes.hpp"

namespace qsm {

/// The labels of the truth. 1 .. 13 are brain.
enum class Tissue : std::uint8_t {
  kOutside = 0,
  kWhiteMatter = 1,
  kGreyMatter = 2,
  kCsf = 3,
  kCaudate = 4,
  kPutamen = 5,
  kPallidum = 6,
  kThalamus = 7,
  kRedNucleus = 8,
  kSubstantiaNigra = 9,
  kDentate = 10,
  kVein = 11,
  kCalcification = 12,
  kBleed = 13,
  kSinus = 14,  // air-filled: paranasal sinuses, nose, mastoid, ear canals
  kBone = 15,
  kSoft = 16,  // scalp, muscle, eyes
};
inline constexpr int kTissueCount = 17;

QSM_HD bool is_brain(Tissue t) {
  return t >= Tissue::kWhiteMatter && t <= Tissue::kBleed;
}

struct TissueProperties {
  float chi_ppm;         // relative to water
  float proton_density;  // signal at TE 0, including T1 weighting
  float r2s;             // [1/s] at 3 T
};

/// Indexed by Tissue.
struct TissueTable {
  TissueProperties of[kTissueCount] = {{9.4f, 0, 0},        {-0.03f, 0.75f, 21}, {0.02f, 0.72f, 17},
                                       {0, 0.55f, 3},       {0.06f, 0.72f, 26},  {0.07f, 0.72f, 30},
                                       {0.16f, 0.66f, 46},  {0.02f, 0.73f, 24},  {0.12f, 0.69f, 41},
                                       {0.15f, 0.68f, 44},  {0.11f, 0.70f, 37},  {0.35f, 0.65f, 55},
                                       {-0.8f, 0.25f, 60},  {0.7f, 0.50f, 80},   {9.4f, 0, 0},
                                       {-2.0f, 0.03f, 300}, {0, 0.60f, 40}};
  QSM_HD TissueProperties const& operator[](Tissue t) const { return of[static_cast<int>(t)]; }
};

/// Susceptibility of air relative to water [ppm].
inline constexpr float kAirChi = 9.4f;

struct HeadOptions {
  std::uint64_t seed =
      1;             // another seed, another anatomy: sizes, positions, folding, veins, lesions
  double scale = 1;  // of the whole head; 0.5 is a head of half the length
};

struct HeadSample {
  Tissue tissue = Tissue::kOutside;
  float chi_ppm = 0;  // relative to water, with smooth variation inside the brain
};

/// What a point kernel carries; the solids' memory belongs to someone else.
struct HeadView {
  Anatomy anatomy;
  TissueTable tissues;
  Field<Solid const> soft, cavities, regions;  // later ones are painted over earlier ones
  Field<Tube const> veins;

  QSM_HD HeadSample at(Vec3 lps_mm) const;
};

/// The host's description; the same options give the same head on every machine.
struct HeadPhantom {
  explicit HeadPhantom(HeadOptions options = {});

  Anatomy anatomy;
  TissueTable tissues;
  std::vector<Solid> soft, cavities, regions;
  std::vector<Tube> veins;

  HeadView view() const;
  HeadSample at(Vec3 lps_mm) const { return view().at(lps_mm); }
};

template <class T>
Grid list_grid(std::vector<T> const& list) {
  return {static_cast<int>(list.size()), 1, 1};
}

// --- evaluation
// -----------------------------------------------------------------------------------

QSM_HD HeadSample HeadView::at(Vec3 lps_mm) const {
  Vec3 const p = anatomy.to_nominal(lps_mm);
  auto const painted = [&](Field<Solid const> list) {
    for (int n = list.grid.nx - 1; n >= 0; --n)
      if (list.data[n].contains(p)) return static_cast<Tissue>(list.data[n].label);
    return Tissue::kOutside;
  };
  auto const plain = [&](Tissue t) { return HeadSample{t, tissues[t].chi_ppm}; };

  BrainDistance const d = anatomy.brain_distance(p);
  if (d.surface >= 0) {
    bool const scalp = d.surface < anatomy.bone_mm + anatomy.scalp_mm;
    Tissue const outside = scalp ? Tissue::kSoft : painted(soft);
    if (outside == Tissue::kOutside) return plain(outside);
    if (d.surface > anatomy.sinus_wall_mm && painted(cavities) == Tissue::kSinus)
      return plain(Tissue::kSinus);
    return plain(d.surface < anatomy.bone_mm ? Tissue::kBone : outside);
  }

  Tissue tissue = Tissue::kOutside;
  for (int n = veins.grid.nx - 1; n >= 0 && tissue == Tissue::kOutside; --n)
    if (veins.data[n].contains(p)) tissue = Tissue::kVein;
  if (tissue == Tissue::kOutside) tissue = painted(regions);
  if (tissue == Tissue::kOutside) {
    Fold const fold = anatomy.folding(p, d);
    tissue = fold.fluid < 0                ? Tissue::kCsf
             : fold.fluid < fold.cortex_mm ? Tissue::kGreyMatter
                                           : Tissue::kWhiteMatter;
  }
  float const chi = tissues[tissue].chi_ppm;
  // Measured maps vary by a few ppb and a few percent within a structure.
  float const variation = anatomy.texture(p);
  return {tissue, chi + (tissue == Tissue::kCsf ? 0 : variation * (0.004f + 0.05f * fabsf(chi)))};
}

}  // namespace qsm
