"""The 2016 reconstruction challenge: one healthy brain at 3 T, dipole inversion alone, against
COSMOS of twelve orientations."""

import re

import numpy

import drawing
from programs import figures, table
from volumes import values

# Published scores of the same files (nrmse, hfen, correlation, xsim), tuned on them where it says so.
PUBLISHED = [
    ("published: MEDI, tuned", "60.0", "56.3", "0.808", "0.531", ""),
    ("published: TKD 0.4, tuned", "62.7", "58.7", "0.783", "0.522", ""),
    ("published: FANSI nonlinear TV, tuned", "73.7", "64.5", "0.778", "0.436", ""),
    ("published: STAR-QSM", "72.1", "63.2", "0.773", "0.488", ""),
    ("published: iLSQR", "78.1", "64.7", "0.762", "0.451", ""),
    ("published: FANSI nonlinear TGV, tuned", "70.9", "62.9", "0.788", "0.447", ""),
    ("published: L1-QSM, tuned", "73.7", "64.6", "0.784", "0.449", ""),
    ("published: HD-QSM, tuned", "73.7", "61.7", "0.771", "0.423", ""),
    ("published: MEDI (Cornell)", "77.2", "65.9", "0.749", "0.371", ""),
]
PHASE_SCALE = 20  # rad/ppm: 25 ms at 3 T
ALPHAS_PPM = (3e-5, 1e-4, 1.75e-4, 2.5e-4, 3.5e-4, 5e-4, 1e-3, 2e-3)
ROUNDED = ("--method", "fansi-nltv", "--rounding", 0.01, "--ridge", 0.015)
# The functionals that are weighted by the magnitude: (name, arguments, their alphas in ppm).
FUNCTIONALS = [
    ("nonlinear TV", ("--method", "fansi-nltv"), ALPHAS_PPM),
    ("linear TV", ("--method", "tv"), ALPHAS_PPM),
    ("nonlinear TGV", ("--method", "fansi-nltgv"), (2.5e-4, 5e-4, 1e-3)),
    ("TV beside a weak harmonic background", ("--method", "weak-harmonic"), (2.5e-4, 5e-4, 1e-3)),
    ("MEDI's functional", ("--method", "medi"), (5e-4, 1e-3, 2e-3)),
    ("HD-QSM", ("--method", "hd-qsm"), (1.75e-4, 2.5e-4, 5e-4)),
    ("nonlinear TV, rounded, with a ridge", ROUNDED, (1e-4, 2.5e-4, 3.5e-4, 5e-4)),
]
L1_ALPHAS = (0.02, 0.03, 0.05, 0.08)  # of the absolute misfit: pure numbers
UNWEIGHTED_ALPHAS_PPM = (2.5e-4, 3.5e-4, 5e-4)
CLOSED = [("tkd", "--threshold", v) for v in (0.1, 0.15, 0.2)] + \
         [("tikhonov", "--lambda", v) for v in (0.01, 0.03, 0.05)]


def slope(recon, truth, mask):
    """Of the regression of the map on the reference over the mask: 1 where nothing shrinks."""
    inside = values(mask) > 0
    return numpy.polyfit(values(truth)[inside], values(recon)[inside], 1)[0]


def mean_weight(magnitude, mask):
    """mean(W): what the inversion makes of the magnitude, squared."""
    bright = values(magnitude)[values(mask) > 0]
    return (numpy.clip(bright / numpy.percentile(bright, 99), 0, 1)**2).mean()


def section(worker, data, folder, images, quick):
    brain = data / "qsm2016-challenge"
    field, mask = brain / "phs_tissue.nii.gz", brain / "msk.nii.gz"
    truth, magnitude = brain / "chi_cosmos.nii.gz", brain / "magn.nii.gz"
    per_ppm = PHASE_SCALE * mean_weight(magnitude, mask)

    def judge(name, *arguments):
        out = folder / f"challenge-{name}.nii.gz"
        said = worker.stage("invert", "--field", field, "--mask", mask, "-o", out, *arguments)
        scores = worker.score(out, truth, mask)
        chosen = re.search(r", alpha (\S+), mu1", said)
        scores["alpha_ppm"] = float(chosen[1]) / per_ppm if chosen else None
        scores["slope"] = slope(out, truth, mask)
        return out, scores

    def variational(name, *arguments):
        return judge(name, "--phase-scale", PHASE_SCALE, "--magnitude", magnitude, *arguments)

    def tv(name, *arguments):
        return variational(name, "--method", "fansi-nltv", *arguments)

    def line(name, scores):
        return [name, *figures(scores, "nrmse", "hfen", "correlation", "xsim", "slope")]

    maps, rows = {}, []
    for method, flag, value in CLOSED:
        _, scores = judge(f"{method}-{value}", "--method", method, flag, value)
        rows.append(line(f"{method} {value}", scores))
    rules = {"fixed (default)": []}
    rules |= {rule: ["--alpha", rule] for rule in ("auto", "equalise", "l-curve", "discrepancy")}
    marks = {}
    for name, arguments in rules.items():
        maps[name], scores = tv(f"nltv-{name.split()[0]}", *arguments)
        marks[name] = scores
        rows.append(line(f"nonlinear TV, alpha {name}, untuned: {scores['alpha_ppm']:.2g} ppm", scores))
    _, chosen = variational("default")
    rows.append(line("the chain's inversion (weak harmonic background), untuned", chosen))

    def tuned(name, unit, alphas, solve):
        """Rows of the best of `alphas`; returns (alpha, scores) of all."""
        points = [(alpha, solve(alpha)[1]) for alpha in (alphas[1::3] if quick else alphas)]
        best = min(points, key=lambda point: point[1]["nrmse"])
        like = max(points, key=lambda point: point[1]["xsim"])
        for score, (alpha, scores) in {"NRMSE": best, "XSIM": like}.items():
            if score == "NRMSE" or like != best:
                rows.append(line(f"{name}, tuned for {score}: alpha {alpha:.3g}{unit}", scores))
        return points

    lines = {
        name: tuned(name, " ppm", alphas, lambda alpha, arguments=arguments: variational(
            "tried", *arguments, "--alpha", alpha * per_ppm))
        for name, arguments, alphas in FUNCTIONALS}
    tuned("L1-QSM", "", L1_ALPHAS,
          lambda alpha: variational("tried", "--method", "l1", "--alpha", alpha))
    # Without weights, as the closed forms are.
    tuned("nonlinear TV, rounded, with a ridge, unweighted", " ppm", UNWEIGHTED_ALPHAS_PPM,
          lambda alpha: judge("tried", *ROUNDED, "--phase-scale", PHASE_SCALE, "--alpha",
                              alpha * PHASE_SCALE))

    drawing.curves(images / "accuracy-challenge-alpha.png", "alpha [ppm, per c mean(W)]", lines,
                   {name: (scores["alpha_ppm"], scores) for name, scores in marks.items()})
    drawing.mosaic(images / "accuracy-challenge.png", truth,
                   {"fixed alpha": maps["fixed (default)"], "automatic alpha": maps["auto"]}, mask)
    return f"""## A real brain, inversion alone

The 2016 challenge: local field of one orientation, scored against COSMOS of twelve in the whole
mask. c = {PHASE_SCALE} rad/ppm, weights from the magnitude. *Tuned* rows choose their alpha on the
data they are scored on, as the published ones do; the others do not know the reference.

{table(["method", "NRMSE", "HFEN", "correlation", "XSIM", "slope"], rows + PUBLISHED)}

![scores over alpha](images/accuracy-challenge-alpha.png)

![slices](images/accuracy-challenge.png)

NRMSE rewards maps that shrink: closed-form Tikhonov nearly reaches the best tuned published row with a
slope well below one, and so does the row with a ridge. Read the four scores together.
"""
