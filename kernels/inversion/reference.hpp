/// What susceptibility is relative to, and whether its sign can be right. A field determines chi up
/// to a constant only, and up to its sign where the scanner's phase convention is not known.
#pragma once

#include <cstdint>

#include "device/field.hpp"
#include "math/vec.hpp"

namespace qsm {

enum class ReferenceMethod { kNone, kMaskMean, kCsf };

/// chi <- chi - reference inside the mask, 0 outside; returns the reference [ppm].
/// kMaskMean: the mean over the mask, as the ISMRM consensus recommends for whole-brain maps
/// (2024, doi 10.1002/mrm.30006). kCsf: the mean over `csf`, see csf_region(). Throws
/// Error{kInvalidArgument}: EMPTY_MASK, NO_CSF (kCsf and `csf` missing or empty).
template <class Device>
double reference(Device const& device, ReferenceMethod method, Field<std::uint8_t const> mask,
                 Field<float> chi_ppm, Field<std::uint8_t const> csf = {});

/// Cerebrospinal fluid of the ventricles: the largest connected component of the mask's voxels with
/// R2* < 5/s in its central third, which are those no farther from the mask's centre of mass than a
/// third of its farthest voxel. Returns the number of voxels.
/// Throws Error{kInvalidArgument}: EMPTY_MASK, NO_CSF (none, or less than 0.1 ml, which is noise).
template <class Device>
std::size_t csf_region(Device const& device, Vec3d voxel_mm, Field<float const> r2s_per_s,
                       Field<std::uint8_t const> mask, Field<std::uint8_t> csf);

/// Median susceptibility [ppm] where R2* is in the top 0.5 % of the mask: veins and iron-rich
/// nuclei, so a value below zero means that the phase sign is suspect. Cost: two sorts.
/// Throws Error{kInvalidArgument, "EMPTY_MASK"}.
template <class Device>
double chi_where_r2s_is_largest(Device const& device, Field<float const> chi_ppm,
                                Field<float const> r2s_per_s, Field<std::uint8_t const> mask);

}  // namespace qsm
