"""What the demo measured, as a table: demo_table.py FOLDER

FOLDER holds run.json and result/ (from the client) and scores.json (from score_stages.py).
"""

import json
import subprocess
import sys
from pathlib import Path


def validator_errors(paths):
    """Errors of dciodvfy over all instances, and lines of dcentvfy over the series."""
    errors = 0
    for path in paths:
        verdict = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True)
        errors += sum(line.startswith("Error") for line in verdict.stderr.splitlines())
    verdict = subprocess.run(["dcentvfy", *paths], capture_output=True, text=True)
    return errors, len((verdict.stdout + verdict.stderr).splitlines())


def rows(folder):
    run = json.loads((folder / "run.json").read_text())
    job, times = run["job"], run["timings"]
    series = sorted((folder / "result" / "dicom").glob("*.dcm"))
    iod, entities = validator_errors(series)

    yield "device", job["device"]
    yield "convert and check, client [s]", times["convert_s"]
    yield "upload [s]", times["upload_s"]
    yield "commit and check, server [s]", times["commit_s"]
    for stage in job["stage_times"]:
        yield f"  {stage['stage']} [s]", stage["seconds"]
    yield "queue and reconstruction [s]", times["reconstruct_s"]
    yield "fetch series and maps [s]", times["fetch_s"]
    yield "last chunk -> last instance [s]", times["last_chunk_to_last_instance_s"]
    yield "worker peak memory [GiB]", int(job["peak_bytes"]) / 2**30
    yield "instances received", run["instances"]
    yield "dciodvfy errors", iod
    yield "dcentvfy complaints", entities


def print_scores(folder):
    print(f"\n{'in the true brain mask, lost voxels zero':42}{'NRMSE':>8}{'HFEN':>8}{'XSIM':>8}"
          f"{'deep grey slope':>18}")
    for score in json.loads((folder / "scores.json").read_text()):
        slope = f"{score['dgm_slope']:.3f}" if "dgm_slope" in score else ""
        print(f"{score['name']:42}{score['nrmse']:8.1f}{score['hfen']:8.1f}{score['xsim']:8.3f}"
              f"{slope:>18}")


def main():
    folder = Path(sys.argv[1])
    for name, value in rows(folder):
        print(f"{name:38}{value:>12.3f}" if isinstance(value, float) else f"{name:38}{value:>12}")
    print_scores(folder)


if __name__ == "__main__":
    main()
