"""NIfTI files as arrays, and fields in Hz as ppm."""

import nibabel
import numpy


def values(path, unscaled=False):
    """What the file holds; unscaled: before the scale of its header, where that is wrong."""
    data = nibabel.load(path).dataobj
    return numpy.asarray(data.get_unscaled() if unscaled else data, dtype=float)


def save(path, array, like):
    """Single precision, placed as the file `like`; returns `path`."""
    nibabel.save(nibabel.Nifti1Image(array.astype("f4"), nibabel.load(like).affine), path)
    return path


def first(array):
    """The first of the volumes that stand behind the third axis."""
    return array.reshape(array.shape[:3] + (-1,))[..., 0]


def ppm_per_hz(b0_t):
    return 1 / (42.577478518 * b0_t)
