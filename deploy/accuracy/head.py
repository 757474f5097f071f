"""The simulated head: every stage alone on the truth before it, composed, and end to end, over
noise, resolution, orientation and voxel shape. The field is computed on a finer, padded grid, so that
the inversion does not meet its own discretisation."""

import json

import numpy

import drawing
from programs import figures, table
from volumes import save, values

ECHOES = {3: (0.004, 0.010, 0.016, 0.022, 0.028), 7: (0.004, 0.009, 0.014, 0.019, 0.024)}  # [s]
DEEP_GREY = {4: "caudate", 5: "putamen", 6: "pallidum", 7: "thalamus", 8: "red nucleus",
             9: "substantia nigra", 10: "dentate"}
FUNCTIONALS = ("fansi-nltv", "tv", "fansi-nltgv", "medi", "l1", "hd-qsm")  # beside the default
RULES = ("noise", "equalise", "l-curve", "discrepancy")
ONE_MM, TWO_MM = ((160, 192, 144), (1, 1, 1)), ((80, 96, 72), (2, 2, 2))
SCORES = ("nrmse", "hfen", "xsim", "dgm_slope")
HEADER = ["NRMSE", "HFEN", "XSIM", "deep-grey slope"]


def simulate(worker, folder, name, shape, *flags, tesla=3):
    made = folder / name
    scan = made / "scan.h5"
    if not scan.exists():
        made.mkdir(parents=True, exist_ok=True)
        worker.call("simulate", "-o", scan, "--truth", made / "truth", "--matrix", *shape[0],
                    "--voxel", *shape[1], "--coils", 8, "--te", *ECHOES[tesla], "--b0", tesla, *flags)
    return made


def judge(worker, made, chi):
    truth = made / "truth"
    return worker.score(chi, truth / "chi.nii.gz", truth / "mask.nii.gz", truth / "labels.nii.gz")


def stages_alone(worker, made):
    """What each part of the chain brings: rows of (name, scores of chi)."""
    truth, out = made / "truth", made / "stages"
    out.mkdir(exist_ok=True)
    brain = truth / "mask.nii.gz"
    report = worker.run(made / "scan.h5", made / "run")
    scale = report["phase_scale_rad_per_ppm"]

    def invert(name, field, mask):
        chi = out / f"{name}.nii.gz"
        worker.stage("invert", "--field", field, "--mask", mask, "--phase-scale", scale, "-o", chi)
        return chi

    def background(name, field, mask):
        local, kept = out / f"{name}-local.nii.gz", out / f"{name}-kept.nii.gz"
        worker.stage("background", "--field", field, "--mask", mask, "-o", local, "--mask-out", kept)
        return local, kept

    from_local = invert("of-true-local", truth / "local_field.nii.gz", brain)
    from_total = invert("of-true-total", *background("true", truth / "total_field.nii.gz", brain))
    rows = [
        ("inversion, of the true local field", judge(worker, made, from_local)),
        ("+ background removal, of the true total field", judge(worker, made, from_total)),
        ("+ coils, unwrapping, field: end to end", judge(worker, made, made / "run" / "chi.nii.gz")),
    ]
    return rows, {"of the true local field": from_local, "end to end": made / "run" / "chi.nii.gz"}


def variants(worker, folder, quick):
    one, rows = (TWO_MM if quick else ONE_MM), []
    thick = ((one[0][0], one[0][1], one[0][2] // 2), (*one[1][:2], 2 * one[1][2]))
    cases = [
        ("SNR 20", one, ("--snr", 20, "--seed", 1)),
        ("SNR 40", one, ("--snr", 40, "--seed", 1)),
        ("SNR 100", one, ("--snr", 100, "--seed", 1)),
        ("no noise", one, ("--snr", "inf", "--seed", 1)),
        ("SNR 40, oblique 20 and 10 degrees", one, ("--snr", 40, "--seed", 3, "--oblique", 20, 10)),
        ("SNR 40, slices twice as thick", thick, ("--snr", 40, "--seed", 4)),
        ("SNR 40, another head", one,
         ("--snr", 40, "--seed", 7, "--head-seed", 5, "--head-scale", 0.95)),
    ]
    pictures = None
    for name, shape, flags in cases:
        key = "-".join(str(f).strip("-") for f in flags) + f"-{shape[1][2]}mm"
        made = simulate(worker, folder, key, shape, *flags)
        if name == "SNR 40":
            parts, pictures = stages_alone(worker, made)
            shares, where = parts, made
            scores = parts[-1][1]
        else:
            worker.run(made / "scan.h5", made / "run")
            scores = judge(worker, made, made / "run" / "chi.nii.gz")
        rows.append([name, *figures(scores, *SCORES)])
        (made / "scores.json").write_text(json.dumps(scores))
    return rows, shares, pictures, where


def at_seven_tesla(worker, folder, quick):
    """The same head at 7 T with the preset for 3 T and with that for 7 T."""
    shape, rows = (TWO_MM if quick else ONE_MM), []
    for snr in (20, 40, 100):
        made = simulate(worker, folder, f"7t-snr-{snr}-{shape[1][2]}mm", shape, "--snr", snr,
                        "--seed", 1, tesla=7)
        for pipeline in ("brain-3t", "brain-7t"):
            worker.run(made / "scan.h5", made / pipeline, pipeline=pipeline)
            scores = judge(worker, made, made / pipeline / "chi.nii.gz")
            rows.append([f"SNR {snr}, {pipeline}", *figures(scores, *SCORES)])
    return table(["scan, pipeline", *HEADER], rows)


def functionals(worker, made, default):
    """The same scan with other inversions: rows of scores."""
    rows = [["weak-harmonic (default)", *figures(default, *SCORES)]]
    for method in FUNCTIONALS:
        worker.run(made / "scan.h5", made / "functional", f"inversion.method={method}")
        scores = judge(worker, made, made / "functional" / "chi.nii.gz")
        rows.append([method, *figures(scores, *SCORES)])
    return table(["inversion.method", *HEADER], rows)


def choice_of_alpha(worker, folder, quick):
    """The rules beside the best fixed weight found by search, end to end."""
    rows = []
    for label, shape in (("2 mm", TWO_MM), *([] if quick else [("1 mm", ONE_MM)])):
        for snr in (20, 40, 100):
            made = simulate(worker, folder, f"snr-{snr}-seed-1-{shape[1][2]}mm", shape, "--snr", snr,
                            "--seed", 1)

            def nrmse(name, *settings):
                report = worker.run(made / "scan.h5", made / name, *settings)
                return judge(worker, made, made / name / "chi.nii.gz")["nrmse"], report

            default, report = nrmse("run")
            search = {1.0: default}
            for factor in (0.25, 0.5, 2, 4, 8):
                alpha = factor * report["inversion_alpha"]
                search[factor] = nrmse("search", f"inversion.alpha={alpha}")[0]
            best = min(search, key=search.get)
            found = [default]
            for rule in RULES:
                found.append(nrmse(rule, f"inversion.alpha_rule={rule}")[0])
            rows.append([label, snr, f"{search[best]:.1f} ({best:g} x)",
                         *(f"{f:.1f} ({100 * (f / search[best] - 1):+.0f} %)" for f in found)])
    return table(["voxel", "SNR", "best fixed of six (factor to the default)", "default", *RULES],
                 rows)


def _with_noise(head, out, noise_ppm=0.0036):
    """The total field with what a scan of SNR 40 adds: noise ~ 1 / weight, of this rms."""
    total, inside = head / "total_field.nii.gz", values(head / "mask.nii.gz") > 0
    sigma = numpy.where(inside, 1 / numpy.clip(values(head / "weight.nii.gz"), 0.05, 1), 0)
    sigma *= noise_ppm / numpy.sqrt((sigma[inside]**2).mean())
    noise = sigma * numpy.random.default_rng(3).normal(size=sigma.shape)
    return save(out, values(total) + noise, total)


def phantom_section(worker, data, folder):
    """The head of the test data, with the targets that were set on it."""
    head = data / "head-phantom"
    brain, labels = head / "mask.nii.gz", head / "labels.nii.gz"

    rows = []

    def row(name, asked, field, mask, *chosen):
        out = folder / "phantom.nii.gz"
        worker.stage("invert", "--field", field, "--mask", mask, "-o", out, *chosen)
        scores = worker.score(out, head / "chi.nii.gz", brain, labels)
        rows.append([name, *figures(scores, *SCORES), asked])

    def remove_background(name, total):
        local, kept = folder / f"phantom-{name}.nii.gz", folder / f"phantom-{name}-kept.nii.gz"
        worker.stage("background", "--field", total, "--mask", brain, "-o", local, "--mask-out", kept)
        return local, kept

    scale, weighted = ("--phase-scale", 17.44), ("--weight", head / "weight.nii.gz")
    nonlinear = ("--method", "fansi-nltv")
    true = head / "local_field.nii.gz", brain
    row("nonlinear TV of the true field, converged, alpha 1.6e-4 at 3.21 rad/ppm",
        "15 / 17.5 / 0.77 / 0.98 to 1.02", *true, *nonlinear, "--phase-scale", 3.21, "--alpha", 1.6e-4,
        "--mu1", 0.03, "--iterations", 400, "--tolerance", 1e-4)
    row("nonlinear TV of the true field, untuned", "", *true, *nonlinear, *scale)
    row("the chain's inversion of the true field, untuned", "", *true, *scale)
    clean = remove_background("clean", head / "total_field.nii.gz")
    for name, chosen in (
            ("V-SHARP by least squares of the noise-free total field, nonlinear TV", nonlinear),
            ("the same, weighted by the magnitude", (*nonlinear, *weighted)),
            ("and the chain's inversion", ()),
            ("the same, weighted by the magnitude", weighted),
            ("the same, with alpha for a field without noise (5e-5 ppm)",
             ("--alpha", 5e-5 * 17.44))):
        row(name, "38", *clean, *scale, *chosen)
    noisy = remove_background("noisy", _with_noise(head, folder / "phantom-total.nii.gz"))
    for name, chosen in (("a measured field (3.6 ppb of noise), nonlinear TV", nonlinear),
                         ("and the chain's inversion", ()),
                         ("the same with automatic alpha", ("--alpha", "auto"))):
        row(name, "45 / slope 0.95 to 1.05", *noisy, *scale, *weighted, *chosen)
    return f"""## The head of the test data

{table(["what", *HEADER, "asked"], rows)}
"""


def section(worker, folder, images, quick):
    rows, shares, pictures, made = variants(worker, folder, quick)
    truth = made / "truth"
    drawing.mosaic(images / "accuracy-head.png", truth / "chi.nii.gz", pictures,
                   truth / "mask.nii.gz")
    drawing.region_means(images / "accuracy-head-regions.png", DEEP_GREY, pictures,
                         truth / "chi.nii.gz", truth / "labels.nii.gz")
    parts = [[name, *figures(scores, *SCORES)] for name, scores in shares]
    others = functionals(worker, made, shares[-1][1])
    return f"""## The simulated head, end to end

From raw k-space of 8 coils and 5 echoes at 3 T to the map, with the defaults, scored in the true
brain mask, where a voxel without a value counts as zero.

{table(["scan", *HEADER], rows)}

What each part brings, at SNR 40:

{table(["from here on the chain runs", *HEADER], parts)}

With other inversions, at SNR 40:

{others}

![slices](images/accuracy-head.png)

![deep grey](images/accuracy-head-regions.png)

The same head at 7 T, five echoes to 24 ms:

{at_seven_tesla(worker, folder, quick)}

## The weight of total variation, chosen by the data

NRMSE end to end by the rules of `inversion.alpha_rule` (`noise` is `--alpha auto`), and how far it is from the best fixed weight of a search that knows the truth.

{choice_of_alpha(worker, folder, quick)}
"""
