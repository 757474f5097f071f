"""A disk that is full, that cannot be written, and a journal that ends in the middle of a write."""

import contextlib
import subprocess

from stand_in import Exam, jobs, stand_in_workers, whole_result
from chistream_harness import BIN, Server, Skip, call, run, wait_for


@contextlib.contextmanager
def mounted(folder, *words):
    """`mount ... folder`; skips, aloud, where nobody lets us."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *words, str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip(f"mount {' '.join(words)}: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        call("umount", "-l", folder)


def full_disk_refuses_and_loses_nothing(folder):
    with mounted(folder / "spool", "-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs"):
        with Server(folder, "--reserve-mib", "0", workers=stand_in_workers(folder)) as server:
            exams = [Exam(folder, number) for number in range(4)]
            kept = []
            for exam in exams:  # 4 MiB each, and 1 MiB of result
                if not exam.heard(exam.submit(server, "succeed")):
                    break
                server.client("watch", exam.job)
                kept.append(exam)
            assert 1 <= len(kept) < len(exams), "the disk never filled"
            assert "DISK_FULL" in exam.said, exam.said
            for number, exam in enumerate(kept):
                whole_result(server, exam.job, folder / f"out-{number}")

            server.kill()
            server.start()
            assert all("SUCCEEDED" in line for line in jobs(server).values())
            call("mount", "-o", "remount,size=64m", folder / "spool")
            refused = exams[len(kept)]
            assert refused.heard(refused.submit(server, "succeed")), refused.said
            server.client("watch", refused.job)
            whole_result(server, refused.job, folder / "out-later")
            print(f"{len(kept)} exams fitted, the next was refused with DISK_FULL and taken later")


def read_only_spool_is_refused_by_name(folder):
    spool = folder / "spool"
    spool.mkdir(mode=0o700)
    with mounted(spool, "-t", "tmpfs", "-o", "ro,mode=0700", "tmpfs"):
        done = call(BIN / "chistreamd", "--listen",
                    f"unix:{folder}/s", "--spool", spool, "--device", "cpu", "--worker-dir",
                    stand_in_workers(folder), expect=1)
    assert "Read-only" in done.stderr, done.stderr
    print(done.stderr.strip().splitlines()[-1])


def torn_journal_tail_is_dropped(folder):
    """What a power loss in the middle of an append leaves: SQLite's frames carry checksums."""
    with Server(folder, workers=stand_in_workers(folder)) as server:
        exams = [Exam(folder, number, edge=16) for number in range(3)]
        for exam in exams:
            assert exam.heard(exam.submit(server, "succeed"))
            server.client("watch", exam.job)
        before = jobs(server)
        server.kill()
        wal = server.spool / "journal.db-wal"
        with wal.open("ab") as journal:
            journal.write(wal.read_bytes()[-4120:][:2000] or b"torn")
        server.start()
        assert jobs(server) == before
        whole_result(server, exams[0].job, folder / "out")
        server.kill()
        server.start()
        assert jobs(server) == before
        print(f"{len(before)} jobs before and after")


def second_daemon_is_refused_until_the_first_is_dead(folder):
    with Server(folder, workers=stand_in_workers(folder)) as server:
        exam = Exam(folder, 1, edge=16)
        assert exam.heard(exam.submit(server, "succeed"))
        second = call(BIN / "chistreamd", "--listen",
                      f"unix:{folder}/other", "--spool", server.spool, "--device", "cpu",
                      "--worker-dir", folder / "bin", expect=1)
        assert "SPOOL_LOCKED" in second.stderr, second.stderr
        wait_for("the job", lambda: "SUCCEEDED" in jobs(server)[exam.job])
        server.kill()
        server.start()


if __name__ == "__main__":
    run(full_disk_refuses_and_loses_nothing, read_only_spool_is_refused_by_name,
        torn_journal_tail_is_dropped, second_daemon_is_refused_until_the_first_is_dead)
