"""The system under the daemon: syncs before answers, errors of the disk, a clock that jumps, bytes
that change on the disk."""

import time

from stand_in import Exam, jobs, stand_in_workers, whole_result
from shim import ShimmedServer
from chistream_harness import JOB_FAILED, REFUSED, Server, run, simulate, wait_for


def acknowledged(server, folder):
    """What is unsynced at the answers of one exam's life: [(step, set of paths)]."""
    exam = Exam(folder, 1, edge=16)
    steps = []
    client = exam.submit(server, "slow")
    assert exam.heard(client), exam.said
    steps.append(("upload, commit, submit", server.unsynced_at(time.monotonic_ns())))
    server.client("watch", exam.job)
    steps.append(("the job's end", server.unsynced_at(time.monotonic_ns())))
    other = Exam(folder, 2, edge=16)
    assert other.heard(other.submit(server, "obey-cancel")), other.said
    wait_for("the job to run", lambda: "RUNNING" in jobs(server)[other.job])
    for words in (("priority", other.job, "urgent"), ("cancel", other.job)):
        server.client(*words)
        steps.append((words[0], server.unsynced_at(time.monotonic_ns())))
    wait_for("the job to end", lambda: "CANCELLED" in jobs(server)[other.job])
    server.client("retry", other.job)
    steps.append(("retry", server.unsynced_at(time.monotonic_ns())))
    server.client("delete", exam.job)
    steps.append(("delete", server.unsynced_at(time.monotonic_ns())))
    return steps


def every_answer_comes_after_its_syncs(folder):
    workers = stand_in_workers(folder)
    with ShimmedServer(folder, "--reserve-mib", "0", workers=workers) as server:
        for step, unsynced in acknowledged(server, folder):
            assert not unsynced, f"{step}: not on disk when it was answered: {sorted(unsynced)}"
            print(f"{step}: data, directories and journal were on disk before the answer")
    control = folder / "control"
    control.mkdir()
    with ShimmedServer(control, "--reserve-mib", "0", workers=workers, sync=False) as server:
        found = [step for step, unsynced in acknowledged(server, folder) if unsynced]
    assert len(found) == 6, f"without any sync only {found} were found"
    print("without syncs, each of these answers is found to come too early")


def disk_errors_are_told_and_lose_nothing(folder):
    with ShimmedServer(folder, "--reserve-mib", "0", workers=stand_in_workers(folder)) as server:
        kept = Exam(folder, 1, edge=16)
        assert kept.heard(kept.submit(server, "succeed")), kept.said
        server.client("watch", kept.job)
        for fault, part in (("eio-sync", "uploads"), ("eio-write", "uploads"),
                            ("eio-sync", "journal"), ("eio-write", "journal")):
            exam = Exam(folder, f"{fault}-{part}".__hash__() % 1000 + 10, edge=16)
            server.fault(fault, part)
            done = exam.submit(server, "succeed")
            time.sleep(1)
            server.mend(fault)
            heard = exam.heard(done)
            if not heard:
                assert "incident" in exam.said or "INTERNAL" in exam.said, exam.said
                assert exam.heard(exam.submit(server, "succeed")), exam.said
            server.client("watch", exam.job)
            whole_result(server, exam.job, folder / f"out-{fault}-{part}")
            print(f"{fault} of {part}: {'went on' if heard else 'told'} by the client, done later")
        before = jobs(server)
        server.kill()
        server.start()
        assert jobs(server) == before
        whole_result(server, kept.job, folder / "out-kept")


def a_clock_that_jumps_ends_nothing(folder):
    with ShimmedServer(folder, "--reserve-mib", "0", "--keep-results-h", "1", "--keep-exams-h", "1",
                       "--retention-s", "1", workers=stand_in_workers(folder)) as server:
        done = Exam(folder, 1, edge=16)
        assert done.heard(done.submit(server, "succeed")), done.said
        server.client("watch", done.job)
        running = Exam(folder, 2, edge=16)
        assert running.heard(running.submit(server, "long", "--max-queue-time", "60")), running.said
        wait_for("the job to run", lambda: "RUNNING" in jobs(server)[running.job])
        waiting = Exam(folder, 3, edge=16)
        assert waiting.heard(waiting.submit(server, "slow", "--max-queue-time", "60")), waiting.said
        for seconds in (10 * 365 * 86400, -10 * 365 * 86400):
            server.fault("clock", str(seconds))
            time.sleep(2.5)
            for exam in (done, running, waiting):
                assert not {"EXPIRED", "FAILED"} & set(jobs(server)[exam.job].split()), jobs(server)
        server.mend("clock")
        for exam in (running, waiting):
            server.client("watch", exam.job)
        whole_result(server, done.job, folder / "out")
        assert "the clock was set" in server.log.read_text()
        print("ten years forward and back: no job and no result expired")


def changed_bytes_are_found(folder):
    scan, _ = simulate(folder)
    with Server(folder) as server:
        job = server.client("submit", scan).stdout.split()[-1]
        server.client("watch", job)
        server.client("fetch", job, "-o", folder / "good")
        (result,) = (server.spool / "results").glob("*/chi.nii.gz")
        bad = bytearray(result.read_bytes())
        bad[len(bad) // 2] ^= 1
        result.chmod(0o600)
        result.write_bytes(bad)
        refused = server.client("fetch", job, "-o", folder / "bad", expect=REFUSED)
        assert "ARTIFACT_DAMAGED" in refused.stderr, refused.stderr
        assert not list((folder / "bad").glob("chi*")), "half a result was left"
        (exam,) = (server.spool / "uploads").glob("*")
        exam.chmod(0o600)
        with exam.open("r+b") as file:
            file.seek(exam.stat().st_size // 2)
            byte = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte[0] ^ 1]))
        again = server.client("submit", scan, "--new").stdout.split()[-1]
        failed = server.client("watch", again, expect=JOB_FAILED)
        assert "MISMATCH" in failed.stdout + failed.stderr, failed.stdout + failed.stderr
        print("a changed byte: ARTIFACT_DAMAGED in a result,",
              (failed.stdout + failed.stderr).strip().splitlines()[-1])


def changed_bytes_of_an_upload_are_found_at_commit(folder):
    with Server(folder, "--credit-mib", "1", "--reserve-mib", "0",
                workers=stand_in_workers(folder)) as server:
        exam = Exam(folder, 1, edge=128)  # 32 MiB
        client = exam.submit(server, "succeed")
        wait_for("some of the exam", lambda: any(
            path.stat().st_size > 4 << 20 for path in (server.spool / "uploads").glob("*")))
        server.kill()
        (upload,) = (server.spool / "uploads").glob("*")
        with upload.open("r+b") as file:
            file.seek(1 << 20)
            byte = file.read(1)
            file.seek(1 << 20)
            file.write(bytes([byte[0] ^ 1]))
        server.start()
        assert exam.heard(client), exam.said  # it sends the exam once more, by itself
        server.client("watch", exam.job)
        assert "SHA256_MISMATCH" in server.log.read_text()
        print("a byte that changed on disk during the upload: SHA256_MISMATCH, sent again, done")


if __name__ == "__main__":
    run(every_answer_comes_after_its_syncs, disk_errors_are_told_and_lose_nothing,
        a_clock_that_jumps_ends_nothing, changed_bytes_are_found,
        changed_bytes_of_an_upload_are_found_at_commit)
