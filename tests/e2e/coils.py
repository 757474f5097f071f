"""Thirty-two measured receive channels of a phantom, combined.

A channel's phase is the combined one plus an offset of its own that no echo changes. So the offset
is taken from echo 1 and judged on echo 2. How much of it is not smooth (10 mm, the pixels being
3.75 mm and the channels full of signal voids) is printed beside it.
"""

import numpy
from scipy.ndimage import gaussian_filter

from chistream_harness import BIN, call, nibabel, real_data, run


def wrapped(angle):
    return numpy.angle(numpy.exp(1j * angle))


def weighted_rms(values, weights):
    return float(numpy.sqrt((weights * values**2).sum() / weights.sum()))


def residues(phase, mask):
    """Loops of four neighbours in a slice, all in the mask, around which the phase winds."""
    corners = [phase[:-1, :-1], phase[1:, :-1], phase[1:, 1:], phase[:-1, 1:], phase[:-1, :-1]]
    winding = sum(wrapped(b - a) for a, b in zip(corners, corners[1:]))
    inside = mask[:-1, :-1] & mask[1:, :-1] & mask[1:, 1:] & mask[:-1, 1:]
    return int((inside & (numpy.abs(winding) > numpy.pi)).sum())


def without_offset(difference, weight, voxel_mm):
    """Takes a channel's smooth offset (10 mm, weighted by its signal) off a phase difference."""
    sigma = [10 / mm for mm in voxel_mm]
    phasor = weight * numpy.exp(1j * difference)
    smooth = gaussian_filter(phasor.real, sigma) + 1j * gaussian_filter(phasor.imag, sigma)
    return wrapped(difference - numpy.angle(smooth))


def phantom_of_32_channels(folder):
    stored = nibabel.load(real_data("aspire-multicoil-phantom/phase_Image.nii"))
    magnitude_file = real_data("aspire-multicoil-phantom/mag_Image.nii")
    magnitude = nibabel.load(magnitude_file).get_fdata()
    phase = stored.get_fdata() * numpy.pi / 4096
    nibabel.save(nibabel.Nifti1Image(phase.astype("float32"), stored.affine), folder / "phase.nii")

    call(BIN / "chistream-worker-cpu", "stage", "combine", "--magnitude", magnitude_file,
         "--phase", folder / "phase.nii", "--te", "0.005", "0.010", "-o", folder)

    combined = nibabel.load(folder / "phase.nii.gz").get_fdata()
    strength = nibabel.load(folder / "magnitude.nii.gz").get_fdata()
    mask = strength[..., 0] > 0.1 * numpy.percentile(strength[..., 0], 99)
    voxel_mm = stored.header.get_zooms()[:3]
    between, after = [], []
    for channel in range(magnitude.shape[4]):
        weight = magnitude[..., 0, channel] * mask
        first = wrapped(phase[..., 0, channel] - combined[..., 0])
        second = wrapped(phase[..., 1, channel] - combined[..., 1])
        between.append(weighted_rms(wrapped(second - first)[mask], weight[mask]))
        after.append(weighted_rms(without_offset(first, weight, voxel_mm)[mask], weight[mask]))
    winding = residues(combined[..., 0], mask)
    print(f"{mask.sum()} voxels, {len(after)} channels: phase against the combined one after the "
          f"channel's offset {max(between):.4f} rad rms at most; the offset itself differs from its "
          f"smooth map by {numpy.median(after):.4f} (median channel), {max(after):.4f} (worst); "
          f"{winding} residues in echo 1")
    assert max(between) <= 0.1
    assert numpy.median(after) <= 0.1
    assert winding == 0


if __name__ == "__main__":
    run(phantom_of_32_channels)
