#include "pipeline/combine.hpp"

#include "coils/adaptive.hpp"
#include "coils/bipolar.hpp"
#include "coils/mcpc3ds.hpp"
#include "coils/virtual_reference.hpp"
#include "device/launch.hpp"
#include "mask/magnitude_mask.hpp"
#include "phase/laplacian_unwrap.hpp"
#include "phase/romeo_unwrap.hpp"
#include "pipeline/coil_images.hpp"

namespace qsm {
namespace {

struct SplitPolar {
  Field<Complex const> image;
  Field<float> magnitude, phase;
  QSM_HD void operator()(Index3 i) const {
    Complex const s = image[i];
    magnitude[i] = sqrtf(norm(s));
    phase[i] = norm(s) > 0 ? atan2f(s.im, s.re) : 0.0f;
  }
};

/// What evolved from echo 1 to echo 2 in all coils together, unwrapped in space.
template <class Device>
void estimate_phase_evolution(Device const& device, ScanDescription const& scan,
                              PipelineOptions const& options, Mcpc3ds<Device>& combination) {
  Buffer<Device, float> magnitude(device, scan.matrix);
  Buffer<Device, float> phase(device, scan.matrix);
  Buffer<Device, std::uint8_t> mask(device, scan.matrix);
  combination.hermitian_magnitude(magnitude.field());
  combination.hermitian_phase(phase.field());
  magnitude_mask(device, magnitude.view(), scan.voxel_mm, options.mask, mask.field());
  if (options.unwrap.method == UnwrapMethod::kLaplacian)
    LaplacianUnwrap<Device>(device, scan.matrix, scan.voxel_mm)
        .run(phase.view(), mask.view(), phase.field());
  else
    romeo_unwrap(device, {{phase.field()}, {magnitude.view()}, {scan.te_s[1] - scan.te_s[0]}},
                 options.unwrap.paths(), mask.field());
  combination.set_phase_evolution(phase.view(), mask.view());
}

/// One echo: the only image as it is, several coils by a virtual reference coil.
template <class Device>
void combine_one_echo(Device const& device, ScanDescription const& scan,
                      PipelineOptions const& options, CoilImages<Device>& images,
                      CombinedEchoes<Device>& combined, Control const& control) {
  Buffer<Device, Complex> image(device, scan.matrix);
  auto const magnitude = combined.magnitude[0].field(), phase = combined.phase[0].field();
  if (scan.coils == 1) {
    images.read(0, 0, image);
    for_each_voxel(device, scan.matrix,
                   SplitPolar{.image = image.view(), .magnitude = magnitude, .phase = phase});
    return;
  }
  VirtualReference<Device> combination(device, scan.matrix, scan.voxel_mm, options.coils.sigma_mm);
  int done = 0;
  auto const each_coil = [&](auto use) {
    for (int c = 0; c < scan.coils; ++c) {
      images.read(0, c, image);
      use(image.view());
      control.report({.iteration = ++done, .max_iterations = 3 * scan.coils, .residual = 0});
    }
  };
  each_coil([&](Field<Complex const> s) { combination.observe(s); });
  combination.choose_voxel();
  each_coil([&](Field<Complex const> s) { combination.add_reference(s); });
  each_coil([&](Field<Complex const> s) {
    combination.begin_coil(s);
    combination.add(0, s);
  });
  combination.combined(0, magnitude, phase);
}

/// Whatever the number of echoes: all of them get the combination that suits the first.
template <class Device>
void combine_adaptively(Device const& device, ScanDescription const& scan,
                        PipelineOptions const& options, CoilImages<Device>& images,
                        CombinedEchoes<Device>& combined, Control const& control) {
  int const echoes = static_cast<int>(scan.te_s.size());
  Buffer<Device, Complex> image(device, scan.matrix);
  AdaptiveCombination<Device> combination(device, scan.matrix, scan.voxel_mm, echoes,
                                          options.adaptive);
  int const passes = 3 + combination.refinements();
  int done = 0;
  auto const each_coil = [&](auto use) {
    for (int c = 0; c < scan.coils; ++c) {
      images.read(0, c, image);
      use(c);
      control.report({.iteration = ++done, .max_iterations = passes * scan.coils, .residual = 0});
    }
  };
  each_coil([&](int) { combination.observe(image.view()); });
  combination.choose_voxel();
  each_coil([&](int) { combination.add_reference(image.view()); });
  for (int r = 0; r < combination.refinements(); ++r) {
    each_coil([&](int) { combination.refine(image.view()); });
    combination.end_refinement();
  }
  each_coil([&](int c) {
    combination.begin_coil(image.view());
    combination.add(0, image.view());
    for (int e = 1; e < echoes; ++e) {
      images.read(e, c, image);
      combination.add(e, image.view());
    }
  });
  for (int e = 0; e < echoes; ++e)
    combination.combined(e, combined.magnitude[static_cast<std::size_t>(e)].field(),
                         combined.phase[static_cast<std::size_t>(e)].field());
}

/// Takes off what alternates between odd and even echoes.
template <class Device>
void correct_bipolar(Device const& device, ScanDescription const& scan,
                     PipelineOptions const& options, CombinedEchoes<Device>& combined) {
  BipolarModel const model = bipolar_model(scan.te_s);
  Buffer<Device, std::uint8_t> mask(device, scan.matrix);
  Buffer<Device, float> residual(device, scan.matrix);
  magnitude_mask(device, combined.magnitude[0].view(), scan.voxel_mm, options.mask, mask.field());
  LaplacianUnwrap<Device> unwrap(device, scan.matrix, scan.voxel_mm);
  CombinedPhases echoes{.magnitude = combined.magnitudes(), .phase_rad = {}};
  for (auto& phase : combined.phase) echoes.phase_rad.push_back(phase.field());
  Buffer<Device, float> second(device, scan.matrix);
  second.copy_from(combined.phase[1]);
  if (!model.k_is_whole()) unwrap.run(second.view(), mask.view(), second.field());
  bipolar_residual(device, scan.voxel_mm, model, echoes, second.view(), mask.view(),
                   options.coils.sigma_mm, residual.field());
  unwrap.run(residual.view(), mask.view(), residual.field());
  remove_bipolar(device, model, residual.view(), mask.view(), echoes);
}

}  // namespace

template <class Device>
std::vector<Field<float const>> CombinedEchoes<Device>::magnitudes() const {
  std::vector<Field<float const>> fields;
  for (auto const& m : magnitude) fields.push_back(m.view());
  return fields;
}

template <class Device>
std::vector<Field<float const>> CombinedEchoes<Device>::phases() const {
  std::vector<Field<float const>> fields;
  for (auto const& p : phase) fields.push_back(p.view());
  return fields;
}

bool corrects_bipolar(ScanDescription const& scan, PipelineOptions const& options) {
  if (options.bipolar != BipolarCorrection::kAuto) return options.bipolar == BipolarCorrection::kOn;
  return scan.bipolar_readout && options.coil_method == CoilMethod::kMcpc3ds &&
         shows_bipolar(scan.te_s);
}

template <class Device>
CombinedEchoes<Device> combine_coils(Device const& device, ScanDescription const& scan,
                                     ScanSource& source, PipelineOptions const& options,
                                     Control const& control) {
  int const echoes = static_cast<int>(scan.te_s.size());
  CombinedEchoes<Device> combined;
  for (int e = 0; e < echoes; ++e) {
    combined.magnitude.emplace_back(device, scan.matrix);
    combined.phase.emplace_back(device, scan.matrix);
  }
  CoilImages<Device> images(device, scan, source);
  if (options.coil_method == CoilMethod::kAdaptive) {
    require(options.bipolar != BipolarCorrection::kOn, "BIPOLAR_METHOD",
            "a readout of alternating direction is corrected after mcpc-3d-s only");
    combine_adaptively(device, scan, options, images, combined, control);
    return combined;
  }
  if (echoes == 1) {
    combine_one_echo(device, scan, options, images, combined, control);
    return combined;
  }

  Buffer<Device, Complex> image(device, scan.matrix);
  Mcpc3ds<Device> combination(device, scan.matrix, scan.voxel_mm, scan.te_s, options.coils);
  {
    Buffer<Device, Complex> second(device, scan.matrix);
    for (int c = 0; c < scan.coils; ++c) {
      images.read(0, c, image);
      images.read(1, c, second);
      combination.accumulate(image.view(), second.view());
      control.report({.iteration = c + 1, .max_iterations = 2 * scan.coils, .residual = 0});
    }
  }
  estimate_phase_evolution(device, scan, options, combination);
  for (int c = 0; c < scan.coils; ++c) {
    images.read(0, c, image);
    combination.begin_coil(image.view());
    combination.add(0, image.view());
    for (int e = 1; e < echoes; ++e) {
      images.read(e, c, image);
      combination.add(e, image.view());
    }
    control.report(
        {.iteration = scan.coils + c + 1, .max_iterations = 2 * scan.coils, .residual = 0});
  }
  for (int e = 0; e < echoes; ++e)
    combination.combined(e, combined.magnitude[static_cast<std::size_t>(e)].field(),
                         combined.phase[static_cast<std::size_t>(e)].field());
  if (corrects_bipolar(scan, options)) correct_bipolar(device, scan, options, combined);
  return combined;
}

template struct CombinedEchoes<ThisDevice>;
template CombinedEchoes<ThisDevice> combine_coils(ThisDevice const&, ScanDescription const&,
                                                  ScanSource&, PipelineOptions const&,
                                                  Control const&);

}  // namespace qsm
