"""Scores a reconstruction and each of its stages: score_stages.py WORKER FOLDER

FOLDER holds result/ (what the client received) and truth/ (what `simulate` wrote) of one scan. Each
stage is run with its defaults on the truth before it, so that its own error is seen apart from what
it inherits. Everything is scored in the true brain mask, where a voxel without a value counts as
zero. Writes FOLDER/scores.json: a list of {name, nrmse, hfen, xsim, ...}.
"""

import json
import subprocess
import sys
from pathlib import Path


def stage(worker, *arguments):
    command = [worker, "stage", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout


def main():
    worker, folder = sys.argv[1], Path(sys.argv[2])
    result, truth, made = folder / "result", folder / "truth", folder / "stages"
    made.mkdir(exist_ok=True)
    brain = truth / "mask.nii.gz"
    scale = json.loads((result / "report.json").read_text())["result"]["phase_scale_rad_per_ppm"]

    tkd = made / "tkd.nii.gz"
    stage(worker, "invert", "--field", result / "local_field.nii.gz", "--mask",
          result / "mask.nii.gz", "--method", "tkd", "-o", tkd)
    local = made / "local_field.nii.gz"
    stage(worker, "background", "--field", truth / "total_field.nii.gz", "--mask", brain,
          "-o", local)
    of_truth = {method: made / f"{method}_of_truth.nii.gz" for method in ("fansi-nltv", "tkd")}
    for method, path in of_truth.items():
        stage(worker, "invert", "--field", truth / "local_field.nii.gz", "--mask", brain,
              "--phase-scale", scale, "--method", method, "-o", path)

    compared = [
        ("whole chain", result / "chi.nii.gz", "chi"),
        ("whole chain with TKD", tkd, "chi"),
        ("field, of the raw data", result / "total_field.nii.gz", "total_field"),
        ("V-SHARP, of the true total field", local, "local_field"),
        ("nonlinear TV, of the true local field", of_truth["fansi-nltv"], "chi"),
        ("TKD, of the true local field", of_truth["tkd"], "chi"),
    ]
    scores = []
    for name, recon, of in compared:
        labels = ["--labels", truth / "labels.nii.gz"] if of == "chi" else []
        printed = stage(worker, "score", "--recon", recon, "--truth", truth / f"{of}.nii.gz",
                        "--mask", brain, *labels, "--json")
        scores.append({"name": name, **json.loads(printed)})
    (folder / "scores.json").write_text(json.dumps(scores, indent=2) + "\n")


if __name__ == "__main__":
    main()
