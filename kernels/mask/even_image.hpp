/// The magnitude without the slow shading of the receive coils.
///
///   even = I (G * m) / (G * m I)      m = I > robust_threshold(I), G a Gaussian of 15 mm
///
/// The local average is taken over what holds signal only, so that tissue beside air is no brighter
/// than tissue amid tissue, and noise stays small. Tissue becomes about 1 everywhere.
#pragma once

#include "device/buffer.hpp"
#include "math/vec.hpp"

namespace qsm {

/// `magnitude` in any unit; what is negative or not finite counts as 0. Zero where no signal lies
/// within the Gaussian, hence everywhere for a volume without signal.
/// Cost: a sort and one complex separable filter; 20 bytes per voxel of work space.
template <class Device>
Buffer<Device, float> even_image(Device const& device, Field<float const> magnitude,
                                 Vec3d voxel_mm);

}  // namespace qsm
