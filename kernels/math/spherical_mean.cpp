#include "math/spherical_mean.hpp"

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "math/pad.hpp"

namespace qsm {
namespace {

struct PlaceBall {
  Field<float const> ball;
  Field<float> kernel;
  QSM_HD void operator()(Index3 i) const {
    Index3 const centre = {ball.grid.nx / 2, ball.grid.ny / 2, ball.grid.nz / 2};
    Index3 o = i - centre;
    if (o.x < 0) o.x += kernel.grid.nx;
    if (o.y < 0) o.y += kernel.grid.ny;
    if (o.z < 0) o.z += kernel.grid.nz;
    kernel[o] = ball[i];
  }
};

}  // namespace

template <class Device>
void place_ball(Device const& device, BallWeights const& ball, Field<float> kernel) {
  require(ball.grid.nx <= kernel.grid.nx && ball.grid.ny <= kernel.grid.ny &&
              ball.grid.nz <= kernel.grid.nz,
          "SHAPE_MISMATCH", "the ball is larger than the grid it is placed on");
  Buffer<Device, float> const weights(device, ball.grid, ball.values);
  fill_zero(device, kernel.data, kernel.size() * sizeof(float));
  for_each_voxel(device, ball.grid, PlaceBall{weights.view(), kernel});
}

template void place_ball(ThisDevice const&, BallWeights const&, Field<float>);

}  // namespace qsm
