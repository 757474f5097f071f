"""The gateway under faults: killed at random moments; a PACS that is down, slow, full of itself.

Every image that was answered with success is on disk, and every exam ends in one series in the
PACS. FAULT_ROUNDS (6) and FAULT_SEED (1) may be given.
"""

import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pydicom

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from chistream_harness import Server, Skip, free_port, run, wait_for
from dicom_harness import Gateway
from vendor_scans import Head, write  # noqa: E402

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "6"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
SLICES, ECHOES = 40, 2


class Pacs:
    """DCMTK's storescp, with whatever fault its flags give it."""

    def __init__(self, folder):
        if not shutil.which("storescp"):
            raise Skip("dcmtk is not installed")
        self.folder, self.port, self.process = folder / "pacs", free_port(), None
        self.folder.mkdir()

    def start(self, *faults):
        self.stop()
        self.process = subprocess.Popen(
            ["storescp", "--fork", "-aet", "PACS", "-od", str(self.folder), *map(str, faults),
             str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, env={**os.environ, "TCP_NODELAY": "1"})
        return self

    def stop(self):
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def node(self):
        return {"ae_title": "PACS", "host": "127.0.0.1", "port": self.port, "timeout_s": 5}

    def series(self):
        """Series UID -> instance UIDs."""
        found = {}
        for path in self.folder.iterdir():
            ds = pydicom.dcmread(path, stop_before_pixels=True)
            found.setdefault(str(ds.SeriesInstanceUID), set()).add(str(ds.SOPInstanceUID))
        return found


class Sender:
    """storescu of one scan, and which of its images were answered with success."""

    def __init__(self, gateway, scan, log):
        self.log = log.open("w")
        self.path = log
        self.process = subprocess.Popen(
            ["storescu", "-v", "-aec", "QSM_3T", "+sd", "127.0.0.1", str(gateway.port), str(scan)],
            stdout=self.log, stderr=self.log, env={**os.environ, "TCP_NODELAY": "1"})

    def wait(self):
        code = self.process.wait(120)
        self.log.close()
        return code

    def acknowledged(self):
        files, current = [], None
        for line in self.path.read_text().splitlines():
            if sending := re.match(r"I: Sending file: (.*)", line):
                current = sending[1]
            elif "Received Store Response (Success)" in line:
                files.append(current)
        return files


def stored_uids(gateway):
    """Digests of the instance UIDs that the inbox holds, as the names of its files."""
    return {path.stem for path in (gateway.state / "inbox").glob("*/*.facts")}


def is_stored(uid, stored):
    return hashlib.sha256(uid.encode()).hexdigest()[:32] in stored


def check_acknowledged(gateway, senders):
    stored = stored_uids(gateway)
    count = 0
    for sender in senders:
        for path in sender.acknowledged():
            uid = str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID)
            assert is_stored(uid, stored), f"{path} was answered with success and is gone"
            count += 1
    return count


def scan_of(folder, head, number):
    """The same voxels as another study."""
    fresh = Head(head.images, head.te_s, head.voxel_mm, head.axes, head.origin)
    return write(fresh, folder / f"scan{number}", "siemens-xa" if number % 2 else "siemens-v")


def killed_at_random_moments(folder):
    chance = random.Random(SEED)
    head = Head.simulate(folder, te_s=(0.006, 0.018))
    pacs = Pacs(folder).start()
    senders, scans, kills = [], [], 0
    with Server(folder) as server, Gateway(folder, server, {"pacs": pacs.node()}) as gateway:
        for number in range(ROUNDS):
            if number % 2 == 0:
                scans.append(scan_of(folder, head, len(scans)))
            senders.append(Sender(gateway, scans[-1], folder / f"send{number}.log"))
            time.sleep(chance.uniform(0, 2))
            gateway.kill()
            kills += 1
            senders[-1].wait()
            check_acknowledged(gateway, senders[-1:])
            gateway.start()
        for number, scan in enumerate(scans):  # what a technologist does when a send has failed
            sender = Sender(gateway, scan, folder / f"again{number}.log")
            senders.append(sender)
            assert sender.wait() == 0, sender.path.read_text()[-2000:]
        count = check_acknowledged(gateway, senders)
        gateway.wait_until_delivered(len(scans), 300)
        series = pacs.series()
        exams = gateway.exams()
        assert len(exams) == len(scans) == len(series), (len(exams), len(scans), len(series))
        assert all(len(uids) == SLICES for uids in series.values())
        delivered = {line["object"] for line in gateway.audit() if line["action"] == "delivery"}
        assert len(delivered) >= len(scans), delivered
        print(f"{kills} kills, {len(scans)} scans, {count} images answered with success, 0 lost; "
              f"{len(series)} series of {SLICES} instances, none twice", flush=True)
    pacs.stop()


def kills_in_the_middle_of_filing_an_image(folder):
    """One between a folder and its origin leaves an empty folder; the scan sent again fills it."""
    scan = scan_of(folder, Head.simulate(folder, te_s=(0.006, 0.018)), 0)
    first = folder / "first"
    first.mkdir()
    (first / "1.dcm").write_bytes(next(scan.glob("*.dcm")).read_bytes())
    with Server(folder) as server, Gateway(folder, server, {}) as gateway:
        assert Sender(gateway, first, folder / "first.log").wait() == 0
        gateway.kill()
        (place,) = (gateway.state / "inbox").glob("[0-9a-f]*")
        for path in place.iterdir():
            path.unlink()
        gateway.start()
        senders = [Sender(gateway, scan, folder / f"send{n}.log") for n in range(4)]  # at once
        assert all(sender.wait() == 0 for sender in senders)
        check_acknowledged(gateway, senders)
        done = lambda: [e["state"] for e in gateway.exams()] == ["EXAM_STATE_DONE"]
        wait_for("the exam", done)

        # A receiver that was killed before it told of what it had stored: the sender sends it again.
        gateway.kill()
        place.rename(folder / "stored")
        shutil.rmtree(gateway.state)
        gateway.start()
        (folder / "stored").rename(place)
        assert Sender(gateway, first, folder / "again.log").wait() == 0
        wait_for("the exam that nobody was told of", done)


def a_pacs_with_faults(folder):
    head = Head.simulate(folder, te_s=(0.006, 0.018))
    pacs = Pacs(folder)
    faults = {"down": None, "refuses associations": ("--refuse",),
              "drops the association at each instance": ("--abort-after",),
              "drops it within each instance": ("--abort-during",),
              "slow": ("--sleep-after", 8)}
    with Server(folder) as server, Gateway(folder, server, {"pacs": pacs.node()}) as gateway:
        for number, (name, flags) in enumerate(faults.items()):
            pacs.stop()
            if flags:
                pacs.start(*flags)
            sender = Sender(gateway, scan_of(folder, head, number), folder / f"send{number}.log")
            assert sender.wait() == 0
            newest = lambda: (gateway.deliveries() or [{}])[0] if len(
                gateway.deliveries()) == number + 1 else {}
            wait_for("an attempt to fail", lambda: newest().get("last_error"), 60)
            metrics = gateway.metrics()
            assert metrics['deliveries{node="pacs",state="QUEUED"}'] == 1, metrics
            assert metrics['oldest_delivery_seconds{node="pacs"}'] > 0, metrics
            error, jobs = newest()["last_error"], [e["job_id"] for e in gateway.exams()]
            pacs.start()
            gateway.client("deliveries", "--retry", newest()["delivery_id"])
            gateway.wait_until_delivered(number + 1, 60)
            assert len(pacs.series()) == number + 1
            assert jobs == [e["job_id"] for e in gateway.exams()]  # nothing was reconstructed again
            print(f"{name}: {error}", flush=True)
        assert all(len(uids) == SLICES for uids in pacs.series().values())
        metrics = gateway.metrics()
        assert metrics['deliveries{node="pacs",state="DELIVERED"}'] == len(faults), metrics
        assert metrics['oldest_delivery_seconds{node="pacs"}'] == 0, metrics
        trail = [(line["action"], line["outcome"]) for line in gateway.audit()]
        for line in (("association", 0), ("exam", 0), ("delivery", 0)):
            assert trail.count(line) == len(faults), (line, trail)
    pacs.stop()


if __name__ == "__main__":
    run(killed_at_random_moments, kills_in_the_middle_of_filing_an_image, a_pacs_with_faults)
