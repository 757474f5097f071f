"""What each part of the chain contributes, end to end from raw k-space.

  ablation.py WORKER FOLDER [--quick] [--rows NAME ...]

Simulates two heads (another anatomy, orientation and noise for the second), reconstructs each with
the chain as it is, then with one part changed at a time, and prints the scores in the true brain
mask, where a voxel without a value counts as zero. About 40 s a row and head at full size on two
cores. Writes FOLDER/ablation.json. --quick: 2 mm heads.
"""

import argparse
import json
import subprocess
from pathlib import Path

HEADS = {
    "head 1": ["--seed", "1"],
    "head 2": ["--seed", "7", "--head-seed", "5", "--head-scale", "0.95", "--oblique", "15", "8"],
}

# What is changed against the defaults. The first of all is nothing.
ROWS = {
    "defaults": [],
    "first milestone": ["background.method=vsharp", "unwrap.method=laplacian", "mask.quality=off",
                        "field.min_quality=0", "field.method=linear"],
    "V-SHARP, direct": ["background.method=vsharp"],
    "V-SHARP by least squares": ["background.method=vsharp-ls"],
    "Laplacian": ["unwrap.method=laplacian"],
    "ROMEO": ["unwrap.method=romeo"],
    "linear fit": ["field.method=linear"],
    "nonlinear fit": ["field.method=nonlinear"],
    "quality is no weight": ["field.min_quality=0"],
    "quality as weight": ["field.min_quality=0.3"],
    "quality not in the mask": ["mask.quality=off"],
    "quality in the mask": ["mask.quality=on"],
    "brain surface": ["mask.method=brain-surface"],
    "adaptive combination": ["coils.method=adaptive"],
    "TKD": ["inversion.method=tkd"],
}


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return done.stdout


def simulate(worker, folder, flags, quick):
    matrix, voxel = (("80", "96", "72"), "2") if quick else (("160", "192", "144"), "1")
    scan = folder / "scan.h5"
    if not scan.exists():
        folder.mkdir(parents=True, exist_ok=True)
        run(worker, "simulate", "-o", scan, "--truth", folder / "truth", "--matrix", *matrix,
            "--voxel", *[voxel] * 3, "--coils", 8, "--te", 0.004, 0.010, 0.016, 0.022, 0.028,
            "--b0", 3, "--snr", 40, *flags)
    return scan


def score(worker, folder, changes):
    made, truth = folder / "made", folder / "truth"
    settings = [part for change in changes for part in ("--set", change)]
    run(worker, "run", folder / "scan.h5", "-o", made, *settings)
    scores = {}
    for of, labels in (("total_field", []), ("local_field", []),
                       ("chi", ["--labels", truth / "labels.nii.gz"])):
        scores[of] = json.loads(run(
            worker, "stage", "score", "--recon", made / f"{of}.nii.gz", "--truth",
            truth / f"{of}.nii.gz", "--mask", truth / "mask.nii.gz", *labels, "--json"))
    return scores


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("worker", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", nargs="*", choices=ROWS, default=list(ROWS))
    asked = parser.parse_args()

    results = []
    for head, flags in HEADS.items():
        folder = asked.folder / head.replace(" ", "-")
        simulate(asked.worker, folder, flags, asked.quick)
        print(f"\n{head:28}{'total':>8}{'local':>8}{'NRMSE':>8}{'HFEN':>8}{'XSIM':>8}{'slope':>8}")
        for row in asked.rows:
            scores = score(asked.worker, folder, ROWS[row])
            results.append({"head": head, "row": row, "set": ROWS[row], **scores})
            chi = scores["chi"]
            print(f"{row:28}{scores['total_field']['nrmse']:8.1f}"
                  f"{scores['local_field']['nrmse']:8.1f}{chi['nrmse']:8.1f}{chi['hfen']:8.1f}"
                  f"{chi['xsim']:8.3f}{chi['dgm_slope']:8.3f}", flush=True)
    (asked.folder / "ablation.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
