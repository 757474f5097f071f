"""SIGKILL at random moments to daemon, worker and clients under a mixed load.

What a client was told is there stays there: every exam ends in exactly one result, whole, and every
job that was acknowledged is listed. The reconstruction is a stand-in that takes no time, so that the
rounds meet the server and not the numerics. FAULT_ROUNDS (20) and FAULT_SEED (1) may be given.
"""

import os
import random
import signal
import time
from collections import Counter

from stand_in import PATIENCE, Exam, jobs, stand_in_workers, whole_result
from chistream_harness import Server, run, wait_for

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "20"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
CLIENTS = 3  # at the same time


def one_round(server, exams, folder, chance):
    """Returns who was killed and every job that a client was told of."""
    if chance.random() < 0.6 or not exams:
        exams.append(Exam(folder, len(exams)))
    busy = [(exam, exam.submit(server))
            for exam in chance.sample(exams, min(CLIENTS, len(exams)))]
    time.sleep(chance.uniform(0, 0.5))
    victim = chance.choice(("daemon", "daemon", "worker", "client"))
    if victim == "daemon":
        server.kill()
        server.start()
    elif victim == "worker":
        for pid in server.worker_pids():
            os.kill(pid, signal.SIGKILL)
    else:
        busy[0][1].kill()
    told = set()
    for exam, client in busy:
        if exam.heard(client):
            told.add(exam.job)
    return victim, told


def nothing_is_lost_and_nothing_twice(folder):
    chance = random.Random(SEED)
    exams, told, killed = [], set(), Counter()
    (folder / "exams").mkdir()
    with Server(folder, "--credit-mib", "1", "--reserve-mib", "0",
                workers=stand_in_workers(folder)) as server:
        for _ in range(ROUNDS):
            victim, jobs_told = one_round(server, exams, folder / "exams", chance)
            killed[victim] += 1
            told |= jobs_told

        # The dust settles: whoever was not answered asks again.
        for exam in exams:
            client = exam.submit(server)
            assert exam.heard(client), "a client was refused with nobody killed"
            told.add(exam.job)
        wait_for("every job to end",
                 lambda: not any(word in line for line in jobs(server).values()
                                 for word in (" QUEUED ", " RUNNING ", " CANCELLING ")), PATIENCE)
        listed = jobs(server)
        lost = told - set(listed)
        assert not lost, f"acknowledged and gone: {lost}"
        ended = Counter(line.split()[1] for line in listed.values())
        for line in listed.values():  # a worker killed twice over one job ends it, aloud
            assert "SUCCEEDED" in line or "WORKER_CRASH" in line, line

        # An exam whose job met two kills is asked for once more, by the same command.
        for exam in exams:
            assert exam.heard(exam.submit(server))
            server.client("watch", exam.job)
        succeeded = {job for job, line in jobs(server).items() if "SUCCEEDED" in line}
        assert succeeded == {exam.job for exam in exams}, "an exam has no result, or two"

        contents = {whole_result(server, exam.job, folder / "out" / exam.job) for exam in exams}
        assert len(contents) == len(exams), "two exams have the same result"
        assert not list((server.spool / "staging").iterdir()), "half a result was left behind"
        assert {path.name for path in (server.spool / "results").iterdir()} == succeeded
        print(f"{ROUNDS} rounds, killed {dict(killed)}; {len(exams)} exams, {len(told)} jobs told of, "
              f"0 lost; {dict(ended)}; {len(succeeded)} whole results, 0 twice, 0 halves")


if __name__ == "__main__":
    run(nothing_is_lost_and_nothing_twice)
