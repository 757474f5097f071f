"""What the demo measured, as a table: demo_table.py FOLDER

FOLDER holds run.json and result/ (from the client) and score.json (from `stage score`).
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
    score = json.loads((folder / "score.json").read_text())
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
    yield "NRMSE [%]", score["nrmse"]
    yield "NRMSE, detrended [%]", score["nrmse_detrend"]
    yield "XSIM", score["xsim"]
    yield "HFEN [%]", score["hfen"]
    yield "deep grey slope", score["dgm_slope"]
    yield "instances received", run["instances"]
    yield "dciodvfy errors", iod
    yield "dcentvfy complaints", entities


def main():
    for name, value in rows(Path(sys.argv[1])):
        print(f"{name:34}{value:>12.3f}" if isinstance(value, float) else f"{name:34}{value:>12}")
    print("Scores in the true brain mask; a voxel without a value counts as zero.")


if __name__ == "__main__":
    main()
