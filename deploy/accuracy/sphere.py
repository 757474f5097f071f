"""A homogeneous sphere at 7 T, as a vendor's field map: no source is inside, so that what background
removal leaves is its error and the map's noise."""

import nibabel
import numpy

from programs import table

PPM_PER_HZ = 1 / (42.577478518 * 7)


def section(worker, data, folder):
    import scipy.ndimage

    source = data / "ge-b0map-brain-and-7t-sphere"
    field = nibabel.load(source / "GE_2_3db0maps_patient_fieldmaphz.nii.gz")
    magnitude = nibabel.load(source / "GE_2_3db0maps_patient.nii.gz")
    values = numpy.asarray(magnitude.dataobj, dtype=float)
    values = values.reshape(values.shape[:3] + (-1,))[..., 0]
    hz = numpy.asarray(field.dataobj, dtype=float).reshape(values.shape)
    ball = scipy.ndimage.binary_erosion(values > 0.3 * numpy.percentile(values, 99), iterations=2)
    ball = scipy.ndimage.binary_fill_holes(ball)
    total, mask = folder / "sphere.nii.gz", folder / "sphere-mask.nii.gz"
    nibabel.save(nibabel.Nifti1Image((hz * PPM_PER_HZ).astype("f4"), field.affine), total)
    nibabel.save(nibabel.Nifti1Image(ball.astype("u1"), field.affine), mask)

    rows = [["before", f"{1000 * PPM_PER_HZ * hz[ball].std():.1f}", f"{hz[ball].std():.2f}", ""]]
    for method in ("vsharp-ls", "vsharp", "sharp"):
        local, kept = folder / "sphere-local.nii.gz", folder / "sphere-kept.nii.gz"
        worker.stage("background", "--field", total, "--mask", mask, "--method", method, "-o", local,
                     "--mask-out", kept)
        left, inside = (numpy.asarray(nibabel.load(f).dataobj, dtype=float) for f in (local, kept))
        left = left[inside > 0] / PPM_PER_HZ
        rows.append([method, f"{1000 * PPM_PER_HZ * left.std():.1f}", f"{left.std():.2f}",
                     f"{100 * (inside > 0).sum() / ball.sum():.0f} %"])
    return f"""## A sphere without sources, at 7 T

Standard deviation of the field inside a homogeneous sphere (a vendor's map of whole Hz, its noise
included). A spherical-mean filter of 8 mm leaves 2.1 Hz, 7 ppb.

{table(["background removal", "ppb", "Hz", "of the mask kept"], rows)}
"""
