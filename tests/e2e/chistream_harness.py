"""What every end-to-end test needs: a daemon of its own, the client, a scan, and a few readers.

A test is a script that ends with `run(test, ...)`. QSM_BIN names the folder of the programs.
Waiting is polling with a deadline, never a fixed sleep.
"""

import contextlib
import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel
import numpy
import pydicom

BIN = Path(os.environ.get("QSM_BIN", "build/cpu/bin")).resolve()
SKIPPED = 77  # SKIP_RETURN_CODE in CMakeLists.txt

# Exit codes of the client.
OK, USAGE, REFUSED, JOB_FAILED, UNREACHABLE = 0, 2, 3, 4, 5

# Five echoes of a whole head on a coarse grid: every stage, in seconds on one core.
TE_S = ("0.004", "0.010", "0.016", "0.022", "0.028")
FAST = ("--set", "inversion.iterations=20")


class Skip(Exception):
    """Raised with the reason where a test cannot run; the test run shows it as SKIPPED."""


def real_data(relative):
    """Path of a measured data file; skips, aloud, where no data folder is given."""
    root = os.environ.get("QSM_TEST_DATA")
    if not root:
        raise Skip("real data: QSM_TEST_DATA is not set")
    print(f"real data: {relative}", flush=True)
    return Path(root) / relative


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition, seconds=60, pause=0.02):
    """The first true value of condition(); AssertionError when there is none in time. What costs
    processor time to ask is asked with a longer pause."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(pause)
    return value


def call(*command, expect=OK, timeout=300, **options):
    """Runs a program to its end and checks its exit status (None: any)."""
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True,
                          timeout=timeout, **options)
    if expect is not None and done.returncode != expect:
        raise AssertionError(f"{' '.join(map(str, command))}\nended with {done.returncode}, not "
                             f"{expect}\n{done.stdout}\n{done.stderr}")
    return done


class Server:
    """A daemon with a spool of its own; `with Server(folder) as server:`."""

    def __init__(self, folder, *options, device="cpu", workers=BIN):
        self.spool = folder / "spool"
        self.log = folder / "daemon.log"
        self.socket = folder / "daemon.sock"
        self.options = ["--device", device, "--worker-dir", str(workers), "--drain-s", "0", *options]
        self.process = None
        self.listen = f"unix:{self.socket}"
        self.address = self.listen  # where clients connect; a test may put something in between
        # The client keeps what it converts; a test must not find another test's.
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}

    def start(self):
        """Starts, or starts again on the same spool and address."""
        self.socket.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            already = self.log.stat().st_size
            self.process = subprocess.Popen(
                [str(BIN / "chistreamd"), "--listen", self.listen, "--spool", str(self.spool),
                 *self.options], stdout=log, stderr=log)
        wait_for("the daemon to listen", lambda: self.listening(already), 30)
        return self

    def listening(self, after):
        text = self.log.read_bytes()[after:].decode(errors="replace")
        assert self.process.poll() is None, f"the daemon ended:\n{text}"
        return "chistreamd listening on" in text

    def kill(self):
        """SIGKILL: what a power loss looks like to the processes."""
        self.process.kill()
        self.process.wait(30)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("the daemon did not end within 30 s of SIGTERM")

    def worker_pids(self):
        """Process ids of the workers that this daemon started."""
        pids = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                name, rest = stat.read_text().split("(", 1)[1].rsplit(")", 1)
                if name.startswith("chistream-work") and int(rest.split()[1]) == self.process.pid:
                    pids.append(int(stat.parent.name))
        return pids

    def client(self, *words, expect=OK, timeout=300):
        return call(BIN / "chistream", *words, "--server", self.address, expect=expect,
                    timeout=timeout, env=self.environment)

    def start_client(self, *words):
        """The client in the background."""
        command = [str(BIN / "chistream"), *map(str, words), "--server", self.address]
        return subprocess.Popen(command, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, env=self.environment)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        try:
            self.stop()
        finally:
            if kind:
                print(f"--- daemon log\n{self.log.read_text(errors='replace')[-4000:]}")


def uploaded_bytes(server):
    """Of every upload in the spool, durable or not."""
    return sum(path.stat().st_size for path in (server.spool / "uploads").glob("*"))


def simulate(folder, *options, matrix=(48, 56, 40), voxel_mm=4, coils=2, name="scan",
             oversampling=1):
    """A scan of a head as raw k-space, and the folder of its truth."""
    scan, truth = folder / f"{name}.h5", folder / f"{name}-truth"
    call(BIN / "chistream-worker-cpu", "simulate", "-o", scan, "--truth", truth, "--matrix",
         *matrix, "--voxel", *3 * [voxel_mm], "--coils", coils, "--te", *TE_S, "--b0", 3, "--snr",
         40, "--seed", 7, "--oversampling", oversampling, *options)
    return scan, truth


def instances(folder, series="."):
    """A DICOM series in a result folder, in instance order; the susceptibility, or one beside it."""
    paths = sorted((folder / "dicom" / series).glob("*.dcm"))
    series = [pydicom.dcmread(path) for path in paths]
    assert series, f"no DICOM instance in {folder}"
    return sorted(series, key=lambda instance: int(instance.InstanceNumber))


def digests(folder):
    """Name -> bytes of every instance: what must not change between attempts."""
    return {path.name: path.read_bytes() for path in (folder / "dicom").glob("*.dcm")}


def check_dicom(folder):
    """dciodvfy finds no error in any instance, dcentvfy nothing in all series together."""
    paths = sorted((folder / "dicom").rglob("*.dcm"))
    for path in paths:
        verdict = call("dciodvfy", "-new", path, expect=None)
        errors = [line for line in verdict.stderr.splitlines() if line.startswith("Error")]
        assert not errors, f"{path.name}: {errors}"
    verdict = call("dcentvfy", *paths, expect=None)
    assert not (verdict.stdout + verdict.stderr).strip(), verdict.stdout + verdict.stderr


def pixels_equal_map(folder, volume="chi", series="."):
    """Every real world value equals the NIfTI map at the same place in the patient, to half a step.

    DICOM positions are LPS, NIfTI's RAS: x and y change sign.
    """
    image = nibabel.load(folder / f"{volume}.nii.gz")
    values = numpy.asarray(image.dataobj, dtype=float)
    to_index = numpy.linalg.inv(image.affine)
    for instance in instances(folder, series):
        step = float(instance.RealWorldValueMappingSequence[0].RealWorldValueSlope)
        orientation = numpy.array(instance.ImageOrientationPatient, dtype=float)
        position = numpy.array(instance.ImagePositionPatient, dtype=float)
        row_mm, column_mm = map(float, instance.PixelSpacing)
        row, column = numpy.mgrid[: instance.Rows, : instance.Columns]
        lps = (position[:, None, None] + orientation[:3, None, None] * column_mm * column
               + orientation[3:, None, None] * row_mm * row)
        ras = lps * numpy.array([-1.0, -1.0, 1.0])[:, None, None]
        index = numpy.einsum("ij,jrc->irc", to_index[:3, :3], ras) + to_index[:3, 3, None, None]
        nearest = index.round().astype(int)
        assert numpy.abs(index - nearest).max() < 0.01, "the grids differ"
        assert (nearest >= 0).all() and (nearest.max(axis=(1, 2)) < values.shape).all()
        off = numpy.abs(instance.pixel_array - values[tuple(nearest)] / step).max()
        assert off <= 0.5 + 1e-3, f"{series} {instance.InstanceNumber} is {off} steps off"


def report(folder):
    return json.loads((folder / "report.json").read_text())


def api_messages(*names):
    """Modules of proto/qsm/v1 by their names, compiled for Python."""
    proto = Path(__file__).resolve().parents[2] / "proto"
    folder = tempfile.mkdtemp(prefix="chistream-proto-")
    call("protoc", f"-I{proto}", f"--python_out={folder}", *sorted(proto.glob("qsm/v1/*.proto")))
    sys.path.insert(0, folder)
    return [importlib.import_module(f"qsm.v1.{name}_pb2") for name in names]


def run(*tests):
    """Runs each test with a temporary folder of its own; the exit status says how it went.

    With arguments, runs only the tests they name.
    """
    status = OK
    for test in tests:
        if sys.argv[1:] and test.__name__ not in sys.argv[1:]:
            continue
        folder = Path(tempfile.mkdtemp(prefix="chistream-e2e-"))
        began = time.monotonic()
        try:
            test(folder)
            print(f"passed  {test.__name__}  {time.monotonic() - began:.1f} s", flush=True)
        except Skip as reason:
            print(reason, flush=True)
            status = status or SKIPPED
        except Exception:
            print(f"FAILED  {test.__name__}", flush=True)
            sys.excepthook(*sys.exc_info())
            status = 1
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(status)
