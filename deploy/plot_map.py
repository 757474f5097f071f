"""Draws a susceptibility map: plot_map.py MAP.nii.gz -o FILE.png [--window PPB] [--slices N]

Axial, coronal and sagittal slices in radiological display (the patient's right on the left of the
axial slice), grey from -window to +window ppb. The map is in ppm.
"""

import argparse

import matplotlib
import nibabel
import numpy

matplotlib.use("Agg")
import matplotlib.pyplot as pyplot  # noqa: E402  (after the choice of a display-less backend)


def cropped(ppb, margin=3):
    """The map without most of the empty space around it."""
    where = numpy.argwhere(ppb)
    if not len(where):
        return ppb
    low = numpy.maximum(where.min(axis=0) - margin, 0)
    high = where.max(axis=0) + margin + 1
    return ppb[tuple(slice(a, b) for a, b in zip(low, high))]


def slices(ppb, voxel_mm, per_plane):
    """Rows of (image, height / width of a voxel): axial, coronal, sagittal, through the middle."""
    for axis, (across, up) in ((2, (0, 1)), (1, (0, 2)), (0, (1, 2))):
        positions = numpy.linspace(0, ppb.shape[axis] - 1, per_plane + 4)[2:-2].round().astype(int)
        yield [(numpy.take(ppb, k, axis=axis).T[::-1], voxel_mm[up] / voxel_mm[across])
               for k in positions]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("map")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--window", type=float, default=200, help="ppb shown as white")
    parser.add_argument("--slices", type=int, default=4, help="per plane")
    arguments = parser.parse_args()

    # RAS, then x reversed: the left of the image is the patient's right.
    image = nibabel.as_closest_canonical(nibabel.load(arguments.map))
    ppb = cropped(image.get_fdata()[::-1] * 1000)
    voxel_mm = image.header.get_zooms()[:3]

    figure, axes = pyplot.subplots(3, arguments.slices, figsize=(2.2 * arguments.slices, 6.6),
                                   facecolor="black", squeeze=False)
    for row, plane in zip(axes, slices(ppb, voxel_mm, arguments.slices)):
        for axis, (slice_ppb, aspect) in zip(row, plane):
            shown = axis.imshow(slice_ppb, cmap="gray", vmin=-arguments.window,
                                vmax=arguments.window, aspect=aspect, interpolation="nearest")
            axis.axis("off")
    figure.subplots_adjust(left=0.01, right=0.88, bottom=0.01, top=0.99, wspace=0.03, hspace=0.03)
    bar = figure.colorbar(shown, cax=figure.add_axes([0.90, 0.15, 0.02, 0.7]))
    bar.set_label("susceptibility [ppb]", color="white")
    bar.ax.tick_params(colors="white")
    figure.savefig(arguments.output, dpi=110, facecolor="black")
    print(arguments.output)


if __name__ == "__main__":
    main()
