"""Whatever is killed, at whatever moment: what was acknowledged is there, and comes out once."""

import os
import re
import signal
import time

from chistream_harness import (JOB_FAILED, FAST, Server, digests, instances, run, simulate,
                               uploaded_bytes, wait_for)

# A job long enough to be killed in the middle of.
LONG = ("--set", "inversion.iterations=150", "--set", "inversion.tolerance=0")


def job_id(text):
    found = re.search(r"\b[0-9a-f]{16,}\b", text)
    assert found, f"no job id in {text!r}"
    return found[0]


def state(server, job):
    """The state of a job, as `chistream jobs` prints it."""
    for line in server.client("jobs").stdout.splitlines():
        if line.startswith(job):
            return line
    raise AssertionError(f"job {job} is not listed")


def until(server, job, word, seconds=120):
    return wait_for(f"job {job} to be {word}",
                    lambda: word in state(server, job).upper() and state(server, job), seconds)


def submit(server, scan, *options):
    return job_id(server.client("submit", scan, *options).stdout)


def map_bytes(folder):
    return (folder / "chi.nii.gz").read_bytes()


def uids(folder):
    return {instance.SOPInstanceUID for instance in instances(folder)}


def killed_client_resumes(folder):
    scan, _ = simulate(folder, matrix=(80, 96, 72), voxel_mm=2.5, coils=6)
    with Server(folder, "--credit-mib", "1") as server:
        client = server.start_client("reconstruct", scan, "-o", folder / "out", *FAST)
        size = scan.stat().st_size
        wait_for("half of the upload", lambda: uploaded_bytes(server) > size // 2)
        client.send_signal(signal.SIGKILL)
        client.wait(30)
        assert uploaded_bytes(server) < size, "the upload was already complete"

        answer = server.client("reconstruct", scan, "-o", folder / "out", *FAST)
        said = answer.stdout + answer.stderr
        assert "resum" in said.lower(), said
        print(next(line for line in said.splitlines() if "resum" in line.lower()))
        assert len(instances(folder / "out")) == 72


def killed_worker_is_retried(folder):
    scan, _ = simulate(folder)
    with Server(folder) as server:
        job = submit(server, scan, *LONG)
        until(server, job, "RUNNING")
        first = wait_for("the worker", server.worker_pids)[0]
        os.kill(first, signal.SIGKILL)
        server.client("watch", job)
        server.client("fetch", job, "-o", folder / "retried")
        assert "SUCCEEDED" in state(server, job).upper()
        assert first not in server.worker_pids()

        # An undisturbed job on the same exam: the same numbers under other identifiers.
        server.client("reconstruct", scan, "-o", folder / "calm", "--new", *LONG)
        assert len(instances(folder / "retried")) == 40
        assert map_bytes(folder / "retried") == map_bytes(folder / "calm")
        assert not uids(folder / "retried") & uids(folder / "calm")

        # A result never changes.
        server.client("fetch", job, "-o", folder / "again")
        assert digests(folder / "retried") == digests(folder / "again")


def killed_daemon_finishes_the_job(folder):
    scan, _ = simulate(folder)
    with Server(folder) as server:
        done = submit(server, scan, *FAST)
        server.client("watch", done)
        server.client("fetch", done, "-o", folder / "before")

        job = submit(server, scan, *LONG)
        until(server, job, "RUNNING")
        workers = wait_for("the worker", server.worker_pids)
        server.kill()
        wait_for("the worker to go with its daemon",
                 lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), 10)

        server.start()
        server.client("watch", job)
        server.client("fetch", job, "-o", folder / "out")
        assert len(instances(folder / "out")) == 40
        server.client("fetch", done, "-o", folder / "after")
        assert digests(folder / "before") == digests(folder / "after")


def emergency_takes_the_place_of_a_routine_job(folder):
    scan, _ = simulate(folder)
    with Server(folder) as server:
        routine = submit(server, scan, *LONG)
        waiting = submit(server, scan, "--new", *LONG)
        until(server, routine, "INVERSION")
        emergency = submit(server, scan, "--priority", "emergency", *FAST)
        server.client("watch", emergency)
        assert "QUEUED" in state(server, waiting), "the queue was served first"
        server.client("watch", routine)
        said = state(server, routine)
        assert "made room" in said and "attempt" not in said, said

        # Stopped in the middle and begun again: the numbers of a job that nobody disturbed.
        server.client("watch", waiting)
        for job in (routine, waiting):
            server.client("fetch", job, "-o", folder / job)
        assert map_bytes(folder / routine) == map_bytes(folder / waiting)
        assert not uids(folder / routine) & uids(folder / waiting)


def cancelled_job_ends(folder):
    scan, _ = simulate(folder)
    with Server(folder) as server:
        job = submit(server, scan, "--set", "inversion.iterations=10000", "--set",
                     "inversion.tolerance=0")
        until(server, job, "RUNNING")
        began = time.monotonic()
        server.client("cancel", job)
        until(server, job, "CANCELLED", 15)
        print(f"cancelled after {time.monotonic() - began:.2f} s")
        server.client("fetch", job, "-o", folder / "out", expect=JOB_FAILED)

        after = submit(server, scan, *FAST)
        server.client("watch", after)


if __name__ == "__main__":
    run(killed_client_resumes, killed_worker_is_retried, killed_daemon_finishes_the_job,
        emergency_takes_the_place_of_a_routine_job, cancelled_job_ends)
