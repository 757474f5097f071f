#!/usr/bin/python3
"""The page of deploy/bench.sh: docs/performance.md from the benchmark's JSON.

What the numbers mean and why they are as they are is docs/performance.head.md, which this puts
before the tables.
"""
import argparse
import datetime
import json
import pathlib


def rows(path):
    data = json.loads(path.read_text())
    return data["device"], data["rows"]


def table(records):
    lines = ["| volume | stage | seconds | Mvoxel/s | transforms [s] | bytes [s] | x floor | x transforms | MiB |",
             "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for r in records:
        transforms, moved = r["floor_transforms_s"], r["floor_bytes_s"]
        times = f"{r['seconds'] / transforms:.2f}" if transforms else ""
        lines.append(
            f"| {r['grid']} | {r['stage']} | {r['seconds']:.3f} | {r['voxels'] / r['seconds'] / 1e6:.1f} "
            f"| {transforms:.4f} | {moved:.4f} | {r['ratio']:.2f} | {times} | {r['peak_bytes'] / 2**20:.0f} |")
    return "\n".join(lines)


def scaling(two, one):
    """Seconds with one thread over seconds with all of them, of the stages both ran."""
    by_stage = {r["stage"]: r for r in two if r["grid"] == one[0]["grid"]}
    lines = ["| stage | one thread [s] | all [s] | gain |", "| --- | ---: | ---: | ---: |"]
    for r in one:
        both = by_stage[r["stage"]]
        lines.append(f"| {r['stage']} | {r['seconds']:.3f} | {both['seconds']:.3f} "
                     f"| {r['seconds'] / both['seconds']:.2f} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    options = parser.parse_args()
    device, stages = rows(options.results / "stages.json")
    chain = rows(options.results / "chain.json")[1]
    one = rows(options.results / "one-thread.json")[1]
    head = (pathlib.Path(__file__).parent.parent / "docs" / "performance.head.md").read_text()
    page = [
        head.rstrip(),
        f"\n## Measured on {device}, {datetime.date.today()}\n",
        "### Stages\n", table(stages),
        "\n### The chain, from raw k-space in memory to the map: 8 coils, 5 echoes\n", table(chain),
        f"\n### Threads, {one[0]['grid']}\n", scaling(stages, one), ""]
    with open(options.output, "w") as out:
        out.write("\n".join(page))


if __name__ == "__main__":
    main()
