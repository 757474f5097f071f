"""Workers as jobs of a Slurm of our own: what it runs, loses, starts late, and survives."""

import contextlib
import os
import re
import signal
import time
from pathlib import Path

from stand_in import Exam, jobs, stand_in_workers, whole_result
from chistream_harness import BIN, Server, Skip, call, run, simulate, wait_for

START = Path(__file__).resolve().parents[2] / "deploy" / "slurm" / "start.sh"


class Slurm:
    """`with Slurm(folder) as slurm:` - deploy/slurm/start.sh and stop.sh."""

    def __init__(self, folder):
        self.folder = folder / "slurm"

    def __enter__(self):
        if os.geteuid() != 0:
            raise Skip("slurmd needs root")
        call(START, self.folder, timeout=60)
        os.environ["SLURM_CONF"] = str(self.folder / "slurm.conf")
        return self

    def __exit__(self, *_):
        call(START.with_name("stop.sh"), self.folder)

    def pid(self, daemon):
        return int((self.folder / f"{daemon}.pid").read_text())

    def kill(self, daemon):
        os.kill(self.pid(daemon), signal.SIGKILL)

    def restart(self, daemon):
        call(f"/usr/sbin/{daemon}", "-f", self.folder / "slurm.conf")

    def queue(self):
        """Our jobs that wait or run: id -> state."""
        lines = call("squeue", "--noheader", "--format=%i %j %T").stdout.splitlines()
        return {line.split()[0]: line.split()[2] for line in lines if " qsm-" in line}


def server_on(folder, window=2, idle_s=2, path=None):
    server = Server(folder, "--executor", "slurm", "--slurm-window", str(window),
                    "--slurm-idle-exit-s", str(idle_s), "--sbatch=--gres=gpu:1",
                    "--sbatch=--mem=100M", "--reserve-mib", "0", "--cancel-grace-s", "2",
                    workers=stand_in_workers(folder))
    if path:
        os.environ["PATH"] = f"{path}:{os.environ['PATH']}"
    return server


def submit(server, exam, *words, behaviour="slow"):
    client = exam.submit(server, behaviour, *words)
    assert exam.heard(client), exam.said
    return exam.job


def state(server, job):
    return jobs(server)[job].split()[1]


def reaches(server, job, wanted, seconds=40):
    wait_for(f"{wanted} of {job}, which is {state(server, job)}",
             lambda: state(server, job) == wanted, seconds)


def workers():
    """Process ids of stand-in workers that Slurm started."""
    found = []
    for line in call("ps", "-eo", "pid,args").stdout.splitlines():
        if "chistream-worker-cpu serve" in line and "qsm-" in line and "/bin/sh" not in line:
            found.append(int(line.split()[0]))
    return found


def it_runs_jobs_in_a_small_window_and_gives_places_back(folder):
    with Slurm(folder) as slurm, server_on(folder) as server:
        exams = [Exam(folder, number, edge=16) for number in range(6)]
        for exam in exams:
            submit(server, exam)
        most = 0
        for exam in exams:
            while state(server, exam.job) != "SUCCEEDED":
                most = max(most, len(slurm.queue()))
                time.sleep(0.05)
            whole_result(server, exam.job, folder / f"out-{exam.job}")
        wait_for("places given back", lambda: not slurm.queue(), 20)
        assert 1 <= most <= 2, most
        print(f"6 jobs by at most {most} Slurm jobs at a time, all given back")


def an_emergency_overtakes_and_the_preempted_job_completes(folder):
    with Slurm(folder), server_on(folder, window=1) as server:
        exams = [Exam(folder, number, edge=16) for number in range(4)]
        first = submit(server, exams[0], behaviour="long")
        reaches(server, first, "RUNNING")
        waiting = submit(server, exams[1])
        began = time.monotonic()
        emergency = submit(server, exams[2], "--priority", "emergency")
        reaches(server, emergency, "SUCCEEDED", 10)
        waited = time.monotonic() - began
        for job in (first, waiting):
            reaches(server, job, "SUCCEEDED")
        print(f"an emergency was done {waited:.1f} s after it was submitted, by the worker of the job it stopped")


def cancel_stops_queued_and_running_jobs(folder):
    with Slurm(folder), server_on(folder, window=1) as server:
        running, queued = [submit(server, Exam(folder, n, edge=16), behaviour="obey-cancel")
                           for n in range(2)]
        reaches(server, running, "RUNNING")
        for job in (queued, running):
            began = time.monotonic()
            server.client("cancel", job)
            reaches(server, job, "CANCELLED", 5)
            took = time.monotonic() - began
            assert took < 1, took
        stubborn = submit(server, Exam(folder, 3, edge=16), behaviour="ignore-cancel")
        reaches(server, stubborn, "RUNNING")
        server.client("cancel", stubborn)
        reaches(server, stubborn, "CANCELLED")
        after = submit(server, Exam(folder, 4, edge=16))
        reaches(server, after, "SUCCEEDED")


def a_dead_controller_or_node_daemon_stops_nothing_that_runs(folder):
    with Slurm(folder) as slurm, server_on(folder) as server:
        running = submit(server, Exam(folder, 1, edge=16), behaviour="long")
        reaches(server, running, "RUNNING")
        for daemon in ("slurmctld", "slurmd"):
            slurm.kill(daemon)
        reaches(server, running, "SUCCEEDED")
        late = submit(server, Exam(folder, 2, edge=16))
        for daemon in ("slurmctld", "slurmd"):
            slurm.restart(daemon)
        reaches(server, late, "SUCCEEDED", 60)
        assert "attempt 2" not in jobs(server)[running], jobs(server)[running]
        for job in (running, late):
            whole_result(server, job, folder / f"out-{job}")


def a_submission_that_slurm_lost_is_made_again(folder):
    """sbatch says yes once and does nothing, as a controller that is killed right after does."""
    fake = folder / "path"
    fake.mkdir()
    real = call("sh", "-c", "command -v sbatch").stdout.strip()
    (fake / "sbatch").write_text(f"""#!/bin/sh
if [ ! -e {fake}/lost ]; then touch {fake}/lost; cat >/dev/null; echo 999; exit 0; fi
exec {real} "$@"
""")
    (fake / "sbatch").chmod(0o755)
    before = os.environ["PATH"]
    try:
        with Slurm(folder), server_on(folder, path=fake, window=1) as server:
            job = submit(server, Exam(folder, 1, edge=16))
            reaches(server, job, "SUCCEEDED", 60)
            assert (fake / "lost").exists()
            whole_result(server, job, folder / "out")
            print("the first submission was lost, the second ran")
    finally:
        os.environ["PATH"] = before


def a_controller_killed_right_after_sbatch(folder):
    """Whether Slurm keeps that job or loses it is its own affair; ours is done either way."""
    with Slurm(folder) as slurm, server_on(folder, window=1) as server:
        job = submit(server, Exam(folder, 1, edge=16))
        wait_for("sbatch to be called", lambda: "handed in as job" in server.log.read_text(), 20)
        slurm.kill("slurmctld")
        time.sleep(1)
        slurm.restart("slurmctld")
        reaches(server, job, "SUCCEEDED", 90)
        whole_result(server, job, folder / "out")


def a_stale_worker_changes_nothing(folder):
    with Slurm(folder), server_on(folder) as server:
        job = submit(server, Exam(folder, 1, edge=16), behaviour="long")
        reaches(server, job, "RUNNING")
        (stale,) = workers()
        os.kill(stale, signal.SIGSTOP)
        wait_for("the claim to be given up",
                 lambda: "no heartbeat" in server.log.read_text(), 90)
        reaches(server, job, "SUCCEEDED", 40)
        first = whole_result(server, job, folder / "out")
        with contextlib.suppress(ProcessLookupError):
            os.kill(stale, signal.SIGCONT)
        time.sleep(2)
        assert whole_result(server, job, folder / "again") == first
        assert state(server, job) == "SUCCEEDED"
        print("a worker that came back after its job was given to another was refused")


def a_killed_daemon_finds_its_jobs_and_ends_what_is_nobodys(folder):
    with Slurm(folder) as slurm, server_on(folder, idle_s=100) as server:
        job = submit(server, Exam(folder, 1, edge=16), behaviour="long")
        reaches(server, job, "RUNNING")
        before = set(slurm.queue())
        server.kill()
        server.start()
        reaches(server, job, "SUCCEEDED", 60)
        wait_for("the old workers to end", lambda: not before & set(slurm.queue()), 20)
        whole_result(server, job, folder / "out")


def workers_on_other_machines_come_by_tls_with_a_token(folder):
    """The real worker, over TCP, in a place from where the spool's exams are not seen."""
    tls = folder / "tls"
    call(START.parents[1] / "tls" / "make.sh", tls, "server", "localhost")
    scan, _ = simulate(folder)
    hidden = folder / "workers"
    hidden.mkdir()
    program = hidden / "chistream-worker-cpu"
    program.write_text(f"""#!/bin/sh
[ "$1" = serve ] || exec {BIN}/chistream-worker-cpu "$@"
exec unshare --mount sh -c 'mount -t tmpfs none {folder}/spool/uploads && exec "$@"' -- \\
  {BIN}/chistream-worker-cpu "$@"
""")
    program.chmod(0o755)
    with Slurm(folder), Server(
            folder, "--executor", "slurm", "--slurm-window", "1", "--slurm-idle-exit-s", "2",
            "--tls-cert", str(tls / "server.pem"), "--tls-key", str(tls / "server.key"),
            "--worker-listen", "127.0.0.1:0", "--worker-name", "localhost", "--worker-ca",
            str(tls / "ca.pem"), "--sbatch=--gres=gpu:1", workers=hidden) as server:
        server.environment["CHISTREAM_TLS_CA"] = str(tls / "ca.pem")
        server.client("reconstruct", scan, "-o", folder / "there")
        log = server.log.read_text()
        assert "its exam was sent to the worker" in log
        port = re.search(r"other machines come to port (\d+)", log)[1]
        wrong = folder / "wrong"
        wrong.write_text("0" * 64)
        for credentials in ([], ["--token-file", wrong]):
            stranger = call(BIN / "chistream-worker-cpu", "serve", "--socket", f"localhost:{port}",
                            "--tls-ca", tls / "ca.pem", *credentials, "--worker-id", "stranger",
                            expect=1)
            assert "TOKEN_UNKNOWN" in stranger.stderr, stranger.stderr
        wait_for("the token to go", lambda: not list((server.spool / "run").glob("*.token")), 20)
    here = folder / "local"
    here.mkdir()
    with Server(here) as server:
        server.client("reconstruct", scan, "-o", folder / "here")
    there, here = ((folder / name / "chi.nii.gz").read_bytes() for name in ("there", "here"))
    assert there == here
    print("an exam that the worker fetched over TLS gives the same map as one it sees")


if __name__ == "__main__":
    run(it_runs_jobs_in_a_small_window_and_gives_places_back,
        an_emergency_overtakes_and_the_preempted_job_completes,
        cancel_stops_queued_and_running_jobs,
        a_dead_controller_or_node_daemon_stops_nothing_that_runs,
        a_submission_that_slurm_lost_is_made_again, a_controller_killed_right_after_sbatch,
        a_stale_worker_changes_nothing, workers_on_other_machines_come_by_tls_with_a_token,
        a_killed_daemon_finds_its_jobs_and_ends_what_is_nobodys)
