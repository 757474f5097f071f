"""Writes docs/accuracy.md and its pictures: main.py WORKER FOLDER --docs DOCS [--data DATA] [--quick]

FOLDER keeps what was simulated and reconstructed, so that a second run is faster.
"""

import argparse
import datetime
from pathlib import Path

import challenge
import head
import scanners
import sphere
from programs import Worker


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("worker", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--docs", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="the real measurements; without: left out, aloud")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    worker, images = Worker(asked.worker.resolve()), asked.docs / "images"
    asked.folder.mkdir(parents=True, exist_ok=True)
    images.mkdir(parents=True, exist_ok=True)

    sections = []

    def add(name, write):
        print(f"accuracy: {name}", flush=True)
        sections.append(write())

    def with_data(name, folder, write):
        if asked.data and (asked.data / folder).is_dir():
            add(name, write)
        else:
            print(f"accuracy: {name} SKIPPED: no {folder} in the test data", flush=True)
            sections.append(f"({name}: left out, for its data were not at hand.)\n")

    with_data("the 2016 challenge", "qsm2016-challenge",
              lambda: challenge.section(worker, asked.data, asked.folder, images, asked.quick))
    with_data("the head of the test data", "head-phantom",
              lambda: head.phantom_section(worker, asked.data, asked.folder))
    add("simulated heads", lambda: head.section(worker, asked.folder, images, asked.quick))
    with_data("the 7 T sphere", "ge-b0map-brain-and-7t-sphere",
              lambda: sphere.section(worker, asked.data, asked.folder))
    for name, folder, section in (
            ("32 channels", "aspire-multicoil-phantom", scanners.coils),
            ("brain crops", "romeo-clearswi-small", scanners.crops),
            ("vendors' field maps", "siemens-fieldmap-brain", scanners.field_maps)):
        with_data(name, folder, lambda section=section: section(worker, asked.data, asked.folder))

    heads = "2 mm heads" if asked.quick else "1 mm heads"
    page = f"""# Accuracy

Written by `deploy/accuracy.sh` on {datetime.date.today()} ({heads}). NRMSE and HFEN in %, demeaned over
the mask; an all-zero map scores 100. The metrics are defined in [algorithms.md](algorithms.md).

"""
    (asked.docs / "accuracy.md").write_text(page + "\n".join(sections))


if __name__ == "__main__":
    main()
