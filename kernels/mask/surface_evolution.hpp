/// A balloon inside the head that grows until it meets the edge of the brain.
///
/// S. M. Smith, Fast robust automated brain extraction, Hum Brain Mapp 2002;17:143-155. A sphere
/// deforms step by step. With s the way from a vertex to the mean of its neighbours, n the outward
/// normal, s_n and s_t the parts of s along and across it and l the mean edge length,
///
///   u  = 0.5 s_t + f2 s_n + 0.05 f3 l n
///   f2 = (1 + tanh(F (1/r - E))) / 2       r = l^2 / (2 |s_n|), the local radius of curvature
///   f3 = 2 (I_min - t_l) / (I_max - dark)  t_l = dark + b_t (I_max - dark)
///
/// E and F let curvature radii above r_max = 10 mm be and smooth away those below r_min = 3.33 mm.
/// I_min and I_max are the extremes of the image from the vertex inwards over 7 and 3 mm, so the
/// surface comes to rest where the image has fallen to the fraction b_t of what lies behind it.
///
/// Beyond the field of view the image goes on as at its border for 10 mm, then it is dark: a head
/// that is cut is followed through the cut, which thus stays sharp.
#pragma once

#include "device/field.hpp"
#include "mask/icosphere.hpp"

namespace qsm {

/// Levels of the image, dark <= threshold <= middle.
struct GreyLevels {
  double dark = 0;       // of the air
  double threshold = 0;  // above it is something
  double middle = 0;     // typical of the brain
};

struct EvolutionOptions {
  double fractional_intensity = 0.5;  // b_t: larger gives a smaller brain
  double smoothing = 1;               // multiplies r_min and r_max
  int steps = 1000;
};

/// Positions are in mm from the centre of voxel (0, 0, 0) along the axes of the image. `surface` is
/// the start, within the brain; `image` is in host memory, finite.
/// Cost: per step one pass over the triangles and 8 trilinear samples for each vertex, whatever the
/// matrix; serial.
void evolve_surface(Field<float const> image, Vec3d voxel_mm, GreyLevels const& levels,
                    EvolutionOptions const& options, Mesh& surface);

}  // namespace qsm
