#include "math/dipole.hpp"

#include "device/buffer.hpp"
#include "device/fft.hpp"
#include "device/launch.hpp"

namespace qsm {
namespace {

struct MultiplyByDipole {
  DipoleKernel dipole;
  float scale;  // 1/N of the transform pair
  Field<Complex> spectrum;
  QSM_HD void operator()(Index3 k) const {
    spectrum[k] = scale * static_cast<float>(dipole(k)) * spectrum[k];
  }
};

}  // namespace

template <class Device>
void apply_dipole(Device const& device, Vec3d voxel_mm, Vec3d b0_direction, Field<float const> chi,
                  Field<float> field) {
  require(chi.grid == field.grid, "SHAPE_MISMATCH", "chi and field differ in size");
  auto const dipole = dipole_kernel(chi.grid, voxel_mm, b0_direction);
  RealFft<Device> const fft(device, chi.grid);
  Buffer<Device, float> work(device, chi.grid);  // transforms ask for a buffer's alignment
  copy_on_device(device, work.field().data, chi.data, work.bytes());
  Buffer<Device, Complex> spectrum(device, fft.half());
  fft.forward(work.view(), spectrum.field());
  for_each_voxel(device, fft.half(), MultiplyByDipole{dipole, fft.scale(), spectrum.field()});
  fft.inverse(spectrum.field(), work.field());
  copy_on_device(device, field.data, work.field().data, work.bytes());
}

template void apply_dipole(ThisDevice const&, Vec3d, Vec3d, Field<float const>, Field<float>);

}  // namespace qsm
