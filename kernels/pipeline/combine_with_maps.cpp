#include "coils/weighted_combination.hpp"
#include "pipeline/coil_images.hpp"
#include "pipeline/combine.hpp"

namespace qsm {

template <class Device>
CombinedEchoes<Device> combine_with_maps(Device const& device, ScanDescription const& scan,
                                         ScanSource& source, ScanSource& maps,
                                         Control const& control) {
  int const echoes = static_cast<int>(scan.te_s.size());
  ScanDescription of_maps = scan;
  of_maps.encoded = scan.matrix;
  of_maps.is_kspace = false;
  CoilImages<Device> images(device, scan, source), sensitivities(device, of_maps, maps);
  Buffer<Device, Complex> image(device, scan.matrix), sensitivity(device, scan.matrix);
  WeightedCombination<Device> combination(device, scan.matrix, echoes, WeightNorm::kUnitGain);
  for (int c = 0; c < scan.coils; ++c) {
    sensitivities.read(0, c, sensitivity);
    combination.begin_coil(sensitivity.view());
    for (int e = 0; e < echoes; ++e) {
      images.read(e, c, image);
      combination.add(e, image.view());
    }
    control.report({.iteration = c + 1, .max_iterations = scan.coils, .residual = 0});
  }
  CombinedEchoes<Device> combined;
  for (int e = 0; e < echoes; ++e) {
    combined.magnitude.emplace_back(device, scan.matrix);
    combined.phase.emplace_back(device, scan.matrix);
    combination.combined(e, combined.magnitude.back().field(), combined.phase.back().field());
  }
  return combined;
}

template CombinedEchoes<ThisDevice> combine_with_maps(ThisDevice const&, ScanDescription const&,
                                                      ScanSource&, ScanSource&, Control const&);

}  // namespace qsm
