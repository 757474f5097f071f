"""The pictures of docs/accuracy.md."""

import matplotlib
import numpy

matplotlib.use("Agg")
import matplotlib.pyplot as pyplot  # noqa: E402  (after the choice of a display-less backend)

from volumes import values  # noqa: E402


def _ppb(path):
    return 1000 * values(path)


def mosaic(path, truth, maps, mask, window_ppb=150, slices=4):
    """Axial slices of the truth, of each map, and of each map's error, in radiological display.

    `maps`: {name: file}. Errors are demeaned over the mask, as the scores are.
    """
    inside = _ppb(mask) > 0
    where = numpy.argwhere(inside)
    low, high = where.min(axis=0), where.max(axis=0) + 1
    chosen = numpy.linspace(low[2], high[2] - 1, slices + 2)[1:-1].round().astype(int)
    box = tuple(slice(a, b) for a, b in zip(low[:2], high[:2]))
    true = _ppb(truth)
    rows = [("reference", true)]
    for name, file in maps.items():
        recon = _ppb(file)
        error = recon - true
        error = numpy.where(inside, error - error[inside].mean(), 0)
        rows += [(name, recon), (f"{name}: error", error)]
    shape = (len(rows), slices)
    drawn, axes = pyplot.subplots(*shape, figsize=(2.1 * slices, 2.3 * len(rows)), squeeze=False)
    for row, (name, volume) in zip(axes, rows):
        for place, z in zip(row, chosen):
            image = numpy.rot90(volume[box][:, :, z])
            place.imshow(image, cmap="gray", vmin=-window_ppb, vmax=window_ppb)
            place.set_xticks([])
            place.set_yticks([])
        row[0].set_ylabel(name, fontsize=8)
    drawn.suptitle(f"-{window_ppb} to {window_ppb} ppb", fontsize=8)
    drawn.tight_layout()
    drawn.savefig(path, dpi=70)
    pyplot.close(drawn)


def curves(path, xlabel, lines, marks):
    """One panel per score over the regularisation.

    `lines`: {name: [(x, scores)]}; `marks`: {name: (x, scores)} of the automatic rules.
    """
    panels = ["nrmse", "hfen", "xsim", "slope"]
    drawn, axes = pyplot.subplots(1, len(panels), figsize=(3.2 * len(panels), 3))
    for place, panel in zip(axes, panels):
        for name, points in lines.items():
            place.semilogx([x for x, _ in points], [s[panel] for _, s in points], "o-",
                           label=name, markersize=3)
        for (name, (x, scores)), shape in zip(marks.items(), "sD^v*P"):
            place.semilogx([x], [scores[panel]], shape, label=name)
        place.set_title(panel, fontsize=9)
        place.set_xlabel(xlabel, fontsize=8)
        place.tick_params(labelsize=7)
        place.grid(alpha=0.3)
    axes[0].legend(fontsize=7)
    drawn.tight_layout()
    drawn.savefig(path, dpi=80)
    pyplot.close(drawn)


def region_means(path, names, maps, truth, labels):
    """Mean susceptibility of each region, reconstructed over true."""
    regions = values(labels).round().astype(int)
    true = _ppb(truth)
    drawn, place = pyplot.subplots(figsize=(4.2, 4))
    for (name, file), shape in zip(maps.items(), "os^Dv"):
        recon = _ppb(file)
        place.plot([true[regions == r].mean() for r in names],
                   [recon[regions == r].mean() for r in names], shape, label=name)
    limits = place.get_xlim()
    place.plot(limits, limits, "k-", linewidth=0.6)
    place.set_xlabel("true mean [ppb]", fontsize=8)
    place.set_ylabel("reconstructed mean [ppb]", fontsize=8)
    for r, label in names.items():
        place.annotate(label, (true[regions == r].mean(), true[regions == r].mean()), fontsize=6,
                       xytext=(4, -8), textcoords="offset points")
    place.legend(fontsize=7)
    drawn.tight_layout()
    drawn.savefig(path, dpi=80)
    pyplot.close(drawn)
