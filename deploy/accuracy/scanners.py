"""Data of real scanners without a truth: what must hold of them whatever the truth is."""

import numpy

from programs import table
from volumes import first, ppm_per_hz, save, values


def _wrap(angle):
    return angle - 2 * numpy.pi * numpy.round(angle / (2 * numpy.pi))


def _open_fringes(phase, inside):
    """Loops of four voxels in a slice around which the phase turns: where fringes end."""
    steps = (phase[1:, :-1] - phase[:-1, :-1], phase[1:, 1:] - phase[1:, :-1],
             phase[:-1, 1:] - phase[1:, 1:], phase[:-1, :-1] - phase[:-1, 1:])
    turns = numpy.abs(sum(_wrap(step) for step in steps)) > numpy.pi
    whole = inside[1:, 1:] & inside[1:, :-1] & inside[:-1, 1:] & inside[:-1, :-1]
    return int((turns & whole).sum())


def _jumps(phase, inside):
    """Share [%] of neighbours in the mask that are more than half a turn apart."""
    count = pairs = 0
    for axis in range(3):
        both = numpy.moveaxis(inside, axis, 0)
        both = both[1:] & both[:-1]
        step = numpy.abs(numpy.diff(numpy.moveaxis(phase, axis, 0), axis=0))
        count += (step[both] > numpy.pi).sum()
        pairs += both.sum()
    return 100 * count / pairs


def coils(worker, data, folder):
    """32 channels of a phantom, most of which hold signal voids of their own."""
    source = data / "aspire-multicoil-phantom"
    stored = source / "mag_Image.nii"
    magnitude = values(stored)
    phase = values(source / "phase_Image.nii") * numpy.pi / 4096
    files = ("--magnitude", stored, "--phase", save(folder / "coils-phase.nii", phase, stored), "--te",
             0.005, 0.010)
    images = magnitude * numpy.exp(1j * phase)
    summed = numpy.sqrt((magnitude**2).sum(axis=4))
    inside = summed[..., 0] > 0.3 * numpy.percentile(summed[..., 0], 99)
    between = numpy.angle((images[..., 1, :] * images[..., 0, :].conj()).sum(axis=3))
    single = [_open_fringes(phase[..., 0, c], inside) for c in range(phase.shape[4])]
    plain = images.sum(axis=4)
    rows = [["channels, each alone (all 32 together)", sum(single), "", ""]]

    def row(name, combined):
        kept = (numpy.abs(combined[..., 0])[inside] / summed[..., 0][inside]).mean()
        apart = _wrap(numpy.angle(combined[..., 1] * combined[..., 0].conj()) - between)[inside]
        rows.append([name, _open_fringes(numpy.angle(combined[..., 0]), inside),
                     f"{1000 * numpy.sqrt((apart**2).mean()):.1f}", f"{kept:.3f}"])

    row("channels simply added", plain)
    for method in ("mcpc-3d-s", "adaptive"):
        out = folder / f"coils-{method}"
        worker.stage("combine", *files, "--method", method, "-o", out)
        row(method, values(out / "magnitude.nii.gz")
            * numpy.exp(1j * values(out / "phase.nii.gz")))
    return f"""## 32 channels of a phantom

Where fringes end in the combined phase of the first echo (a field has no such places), how far the
phase between the echoes is from that of all channels (mrad, rms), and the signal kept of the
channels' root sum of squares.

{table(["combination", "ends of fringes", "between echoes [mrad]", "signal kept"], rows)}
"""


def crops(worker, data, folder):
    """Two crops of brain at 0.5 and 1 mm, phase in radians under a false scale."""
    source, rows = data / "romeo-clearswi-small", []
    for name, magnitude, phase, te in (("three echoes, 51x51x41", "Mag.nii", "Phase.nii",
                                        (0.004, 0.008, 0.012)),
                                       ("one echo, 21x21x21", "small2_Mag.nii", "small2_Phase.nii",
                                        (0.02,))):
        stored = source / phase
        wrapped = values(stored, unscaled=True)
        bright = values(source / magnitude, unscaled=True)
        inside = first(bright) > 0.1 * numpy.percentile(first(bright), 99)
        files = ("--phase", save(folder / "crop-phase.nii", wrapped, stored), "--magnitude",
                 save(folder / "crop-magnitude.nii", bright, stored), "--mask",
                 save(folder / "crop-mask.nii", inside, stored), "--te", *te)

        def jumps(phase):
            echoes = phase.reshape(*phase.shape[:3], -1)
            return numpy.mean([_jumps(echoes[..., e], inside) for e in range(echoes.shape[3])])

        left = []
        for method in ("laplacian", "romeo", "best-path"):
            out = folder / "crop-unwrapped.nii.gz"
            worker.stage("unwrap", *files, "--method", method, "-o", out)
            left.append(jumps(values(out)))
        rows.append([name, *(f"{share:.2f}" for share in [jumps(wrapped), *left])])
    return f"""## Crops of a brain, unwrapped

Neighbours that are more than half a turn apart, in % of all, mean of the echoes.

{table(["crop", "wrapped", "laplacian", "romeo", "best-path"], rows)}
"""


def field_maps(worker, data, folder):
    """Vendors' field maps of heads: what background removal leaves of them."""
    rows = []

    def row(name, hz, magnitude, like):
        field_ppm = hz.reshape(magnitude.shape) * ppm_per_hz(3)
        field = save(folder / "vendor-field.nii", field_ppm, like)
        bright = save(folder / "vendor-magnitude.nii", magnitude, like)
        mask = folder / "vendor-mask.nii.gz"
        worker.stage("mask", "--magnitude", bright, "--method", "brain-surface", "-o", mask)
        inside = values(mask) > 0
        spread = [f"{1000 * field_ppm[inside].std():.0f}"]
        for method in ("vsharp-ls", "vsharp"):
            local, kept = folder / "vendor-local.nii.gz", folder / "vendor-kept.nii.gz"
            worker.stage("background", "--field", field, "--mask", mask, "--method", method,
                         "-o", local, "--mask-out", kept)
            spread.append(f"{1000 * values(local)[values(kept) > 0].std():.0f}")
        rows.append([name, f"{inside.sum()}", *spread])

    source = data / "siemens-fieldmap-brain"
    stored = source / "me_FieldMap_GRE_2_e1.nii"
    difference = values(source / "me_FieldMap_GRE_3_e2_ph.nii") * numpy.pi / 4096
    whole = save(folder / "vendor-whole.nii", numpy.ones(difference.shape), stored)
    phase = save(folder / "vendor-phase.nii", difference, stored)
    unwrapped = folder / "vendor-unwrapped.nii.gz"
    worker.stage("unwrap", "--phase", phase, "--magnitude", stored, "--mask", whole, "--te", 0.00246,
                 "--method", "romeo", "-o", unwrapped)
    row("Siemens Prisma, 3 x 3 x 3.6 mm, phase difference",
        values(unwrapped) / (2 * numpy.pi * 0.00246), values(stored), stored)

    source = data / "ge-b0map-brain-and-7t-sphere"
    if source.is_dir():
        stored = source / "GE_6_CV_Neuro_HH_Adv.nii"
        row("GE Architect, 1.9 x 1.9 x 9 mm, whole Hz",
            values(source / "GE_6_CV_Neuro_HH_Adv_fieldmaphz.nii"), first(values(stored)), stored)
    return f"""## Vendors' field maps of heads

Standard deviation of the field in the brain (ppb), before and after background removal. Too coarse,
and one of them with gaps between its slices, to be inverted.

{table(["map", "voxels", "before", "vsharp-ls", "vsharp"], rows)}
"""
