"""What the fault tests share: workers that reconstruct nothing, and exams that no other is like."""

import re
import sys
from pathlib import Path

import nibabel
import numpy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from chistream_harness import BIN, OK  # noqa: E402

PATIENCE = 60  # s, for whatever must come to an end


def stand_in_workers(folder):
    """A folder in which the worker is tests/server/fake_worker."""
    (folder / "bin").mkdir()
    (folder / "bin" / "chistream-worker-cpu").symlink_to(BIN / "fake_worker")
    return folder / "bin"


class Exam:
    """Two echoes that no other exam has, 4 MiB by default, and what became of them."""

    def __init__(self, folder, number, edge=64):
        random_values = numpy.random.default_rng(number)
        self.files, self.size = [], 0
        for kind in ("magnitude", "phase"):
            for echo in (1, 2):
                path = folder / f"exam-{number}-{kind}-{echo}.nii"
                values = random_values.uniform(-3, 3, 3 * (edge,)).astype(numpy.float32)
                image = numpy.abs(values) + 1 if kind == "magnitude" else values
                nibabel.save(nibabel.Nifti1Image(image, numpy.eye(4)), path)
                self.files.append(path)
                self.size += path.stat().st_size
        self.job = None  # as the last client that ended well was told

    def submit(self, server, behaviour="slow", *words):
        return server.start_client("submit", *words, "--magnitude", *self.files[:2], "--phase",
                                   *self.files[2:], "--te", "0.005", "0.010", "--b0", "3", "--set",
                                   f"fake.behaviour={behaviour}")

    def heard(self, client):
        """Takes note of what the client was told; False if it was told nothing."""
        self.said = client.communicate(timeout=PATIENCE)[0]
        told = re.findall(r"^[0-9a-f]{32}$", self.said, re.M)
        if client.returncode != OK or not told:
            return False
        self.job = told[-1]
        return True


def jobs(server):
    """id -> line of `chistream jobs`."""
    lines = server.client("jobs", "--limit", "1000").stdout.splitlines()
    return {line.split()[0]: line for line in lines}


def whole_result(server, job, folder):
    """Fetches, checks that it is the stand-in's result, all of it, and returns its report."""
    server.client("fetch", job, "-o", folder)
    files = {str(path.relative_to(folder)): path.read_bytes()
             for path in folder.rglob("*") if path.is_file()}
    assert sorted(files) == ["dicom/0001.dcm", "dicom/0002.dcm", "report.json"], files.keys()
    assert len(files["dicom/0002.dcm"]) == (1 << 20) + 17
    return files["report.json"]
