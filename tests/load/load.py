"""Load on a daemon, in figures: what it takes in, what it needs, how soon it answers meanwhile.

    load.py [FOLDER]     FOLDER (default: a temporary one) lies on the disk that is measured

The reconstruction is a stand-in that takes no time, except where an emergency is to overtake real
jobs. Every figure is printed with its bound; a miss ends with 1. Throughput is a ratio to a plain
copy of the same files over loopback with fsync, made in the same run, by turns.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "faults")]
from chistream_harness import BIN, Server, call, simulate, wait_for  # noqa: E402
from stand_in import stand_in_workers  # noqa: E402

UPLOAD_MIB, LARGE_MIB, ROUNDS, REST_S = 64, 8192, 3, 15
MIB = 1 << 20
misses = []


def load(*words):
    return json.loads(call(BIN / "chistream_load", *words, timeout=1800).stdout or "{}")


def tell(what, figure, bound, good):
    print(f"{what}: {figure} ({bound}){'' if good else '  MISSED'}", flush=True)
    if not good:
        misses.append(what)


class Memory:
    """Resident memory of a process, sampled every 20 ms while the `with` block runs; in MiB."""

    def __init__(self, pid):
        self.status, self.samples = Path(f"/proc/{pid}/status"), []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.ended.wait(0.02):
            line = next(x for x in self.status.read_text().splitlines() if x.startswith("VmRSS"))
            self.samples.append(int(line.split()[1]) / 1024)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def touched(folder, mib):
    """Writes and frees as much page cache as is needed next.

    A virtual machine gives memory that lies idle back to its host within seconds, and whoever wants
    it next pays for getting it again, in the kernel's copy into the page cache. Figures on such
    memory and on memory that is there differ threefold, for the floor and for the server. Old page
    cache in the way costs the server as much again; root lets it go first, for both."""
    with contextlib.suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("3")
    with (folder / "touch").open("wb") as file:
        for _ in range(mib):
            file.write(bytes(MIB))
    (folder / "touch").unlink()


def rested(_folder, _mib):
    time.sleep(REST_S)


def copied(folder, exams):
    """MiB/s of the floor."""
    done = load("copy", "--to", folder / "copy", *exams)
    shutil.rmtree(folder / "copy")
    return done["bytes"] / MIB / done["seconds"]


def one_round(folder, exams, small, jobs, prepare):
    """The load on a daemon with an empty spool: MiB/s, what GetJob took, MiB of memory."""
    folder.mkdir()
    with Server(folder, "--reserve-mib", "0", workers=stand_in_workers(folder)) as server:
        upload = load("upload", "--server", server.address, small)["upload_ids"][0]
        job = load("submit", "--server", server.address, "--upload", upload, "--count", jobs,
                   "--behaviour", "obey-cancel")["job_ids"][-1]
        prepare(folder, UPLOAD_MIB * len(exams))
        with Memory(server.process.pid) as memory:
            asking = subprocess.Popen(
                [BIN / "chistream_load", "ask", "--server", server.address, "--job", job,
                 "--seconds", "600"], stdout=subprocess.PIPE, text=True)
            done = load("upload", "--server", server.address, *exams)
            asking.terminate()
            asked = json.loads(asking.communicate()[0])
    shutil.rmtree(folder)
    return done["bytes"] / MIB / done["seconds"], asked, max(memory.samples)


def uploads_beside_jobs(folder, uploads, jobs, prepare, memory_is):
    exams = [folder / f"exam-{number}.qsmexam" for number in range(uploads)]
    for number, exam in enumerate(exams):
        load("make", exam, "--mib", UPLOAD_MIB, "--seed", number)
    small = folder / "small.qsmexam"
    load("make", small, "--mib", 1, "--seed", 1000)
    floors, rounds = [], []
    for number in range(ROUNDS):  # by turns: the floor itself varies
        prepare(folder, UPLOAD_MIB * uploads)
        floors.append(copied(folder, exams))
        rounds.append(one_round(folder / f"server-{number}", exams, small, jobs, prepare))
    rate, floor = median(rate for rate, _, _ in rounds), median(floors)
    each = ", ".join(f"{rate:.0f} of {floor:.0f}" for (rate, _, _), floor in zip(rounds, floors))
    tell(f"{uploads} uploads of {UPLOAD_MIB} MiB at once beside {jobs} queued jobs, to the answer "
         f"of CommitUpload, {memory_is}", f"{rate:.0f} MiB/s, {rate / floor:.2f} of a plain copy's "
         f"{floor:.0f} (by turns: {each})", "at least 0.50", rate >= floor / 2)
    for _, asked, _ in rounds:
        tell("GetJob meanwhile, 99 of 100 within", f"{asked['p99_ms']:.1f} ms of {asked['calls']} "
             f"calls (median {asked['p50_ms']:.1f}, longest {asked['most_ms']:.1f})",
             "below 50 ms", asked["p99_ms"] < 50)
    memory = max(memory for _, _, memory in rounds)
    tell("resident memory of the daemon, at most", f"{memory:.0f} MiB", "below 512 MiB",
         memory < 512)


def many_uploads_and_jobs(folder):
    uploads_beside_jobs(folder, 64, 1000, rested, "the machine at rest before")


def uploads_into_memory_that_is_there(folder):
    uploads_beside_jobs(folder, 16, 20, touched, "page cache touched before")


def one_large_upload(folder):
    exam = folder / "large.qsmexam"
    load("make", exam, "--mib", LARGE_MIB, "--sparse")
    with Server(folder, "--reserve-mib", "0", workers=stand_in_workers(folder)) as server:
        with Memory(server.process.pid) as memory:
            done = load("upload", "--server", server.address, exam)
        early = max(memory.samples[:len(memory.samples) // 10])
        tell(f"one upload of {LARGE_MIB} MiB: resident memory of the daemon",
             f"{early:.0f} MiB in its first tenth, {max(memory.samples):.0f} MiB at most "
             f"({done['bytes'] / MIB / done['seconds']:.0f} MiB/s)", "rises by less than 64 MiB",
             max(memory.samples) - early < 64)


def slow_readers(folder):
    exam = folder / "small.qsmexam"
    load("make", exam, "--mib", 1)
    with Server(folder, "--reserve-mib", "0", workers=stand_in_workers(folder)) as server:
        upload = load("upload", "--server", server.address, exam)["upload_ids"][0]
        job = load("submit", "--server", server.address, "--upload", upload, "--count", 1,
                   "--behaviour", "large")["job_ids"][0]
        server.client("watch", job)
        with Memory(server.process.pid) as memory:
            reading = subprocess.Popen([BIN / "chistream_load", "read-slowly", "--server",
                                        server.address, "--job", job, "--count", "64",
                                        "--seconds", "20", "--pause-ms", "500"],
                                       stdout=subprocess.PIPE, text=True)
            asked = load("ask", "--server", server.address, "--job", job, "--seconds", "15")
            read = json.loads(reading.communicate()[0])["messages"]
        tell("64 slow readers of a 64 MiB result: resident memory of the daemon, at most",
             f"{max(memory.samples):.0f} MiB ({read} messages taken)", "below 512 MiB",
             max(memory.samples) < 512)
        tell("GetJob meanwhile, 99 of 100 within", f"{asked['p99_ms']:.1f} ms", "below 50 ms",
             asked["p99_ms"] < 50)


def emergency(folder):
    scan, _ = simulate(folder, matrix=(80, 96, 72), voxel_mm=2)
    with Server(folder) as server:
        for _ in range(60):
            server.client("submit", scan, "--new")
        wait_for("a job to run", lambda: "RUNNING" in server.client("jobs").stdout, 60)
        job = server.client("submit", scan, "--new", "--priority", "emergency").stdout.split()[-1]
        began = time.monotonic()
        states = {}

        def started():
            lines = server.client("jobs", "--limit", "1000").stdout.splitlines()
            states.update((line.split()[0], line) for line in lines)
            return "QUEUED" not in states[job]
        wait_for("the emergency to start", started, 60)
        waited = time.monotonic() - began
        queued = sum("QUEUED" in line for line in states.values())
        tell(f"an emergency behind {queued} queued jobs and a running one, started after",
             f"{waited:.2f} s", "below 5 s", waited < 5)


def main():
    given = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
    for part in (many_uploads_and_jobs, uploads_into_memory_that_is_there, one_large_upload, slow_readers, emergency):
        folder = Path(tempfile.mkdtemp(prefix="chistream-load-", dir=given))
        try:
            part(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
