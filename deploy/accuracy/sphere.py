"""A homogeneous sphere at 7 T, as a vendor's field map: no source is inside, so that what background
removal leaves is its error and the map's noise."""

import numpy

from programs import table
from volumes import first, ppm_per_hz, save, values

PPM_PER_HZ = ppm_per_hz(7)


def section(worker, data, folder):
    import scipy.ndimage

    source = data / "ge-b0map-brain-and-7t-sphere"
    field = source / "GE_2_3db0maps_patient_fieldmaphz.nii.gz"
    bright = first(values(source / "GE_2_3db0maps_patient.nii.gz"))
    hz = values(field).reshape(bright.shape)
    ball = scipy.ndimage.binary_erosion(bright > 0.3 * numpy.percentile(bright, 99), iterations=2)
    ball = scipy.ndimage.binary_fill_holes(ball)
    total = save(folder / "sphere.nii.gz", hz * PPM_PER_HZ, field)
    mask = save(folder / "sphere-mask.nii.gz", ball, field)

    rows = [["before", f"{1000 * PPM_PER_HZ * hz[ball].std():.1f}", f"{hz[ball].std():.2f}", ""]]
    for method in ("vsharp-ls", "vsharp", "sharp"):
        local, kept = folder / "sphere-local.nii.gz", folder / "sphere-kept.nii.gz"
        worker.stage("background", "--field", total, "--mask", mask, "--method", method, "-o", local,
                     "--mask-out", kept)
        inside = values(kept) > 0
        left = values(local)[inside] / PPM_PER_HZ
        rows.append([method, f"{1000 * PPM_PER_HZ * left.std():.1f}", f"{left.std():.2f}",
                     f"{100 * inside.sum() / ball.sum():.0f} %"])
    return f"""## A sphere without sources, at 7 T

Standard deviation of the field inside a homogeneous sphere (a vendor's map of whole Hz, its noise
included). A spherical-mean filter of 8 mm leaves 2.1 Hz, 7 ppb.

{table(["background removal", "ppb", "Hz", "of the mask kept"], rows)}
"""
