"""A scan goes from a console to the PACS and back; see hospital-demo.sh."""

import argparse
import datetime
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))
from chistream_harness import TE_S, Server, pydicom  # noqa: E402
from dicom_harness import Gateway, Orthanc, tls_files  # noqa: E402
from vendor_scans import Head, write  # noqa: E402


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def say(text):
    print(f"hospital-demo: {text}", flush=True)


def timings(server, gateway):
    """Seconds by part, from the last image received to the last instance stored."""
    (exam,), (delivery,) = gateway.exams(), gateway.deliveries()
    (job,) = json.loads(server.client("jobs", "--json").stdout)
    received, begun = seconds(exam["last_image_at"]), seconds(exam["started_at"])
    created, started, ended = (seconds(job[name]) for name in
                               ("created_at", "started_at", "finished_at"))
    fetched, stored = seconds(exam["finished_at"]), seconds(delivery["finished_at"])
    return [("sorting, until the exam is known to be whole", begun - received),
            ("conversion, upload, check", created - begun),
            ("waiting for the worker", started - created),
            ("reconstruction", ended - started),
            ("fetching the series", fetched - ended),
            ("delivery to the PACS", stored - fetched),
            ("last image in to last instance stored", stored - received)]


def demo(folder, quick, tls):
    tls = tls_files(folder / "tls") if tls else None
    matrix, voxel = ((80, 96, 72), 2) if quick else ((160, 192, 144), 1)
    say(f"simulating {matrix} voxels, {len(TE_S)} echoes, as a Siemens scanner stores them")
    head = Head.simulate(folder, matrix=matrix, voxel_mm=voxel, te_s=tuple(map(float, TE_S)), snr=40,
                         coils=4)
    scan = write(head, folder / "scan", "siemens-v")
    pipelines = {"QSM_3T": {"pipeline": "brain-3t"}}
    with Orthanc(folder, tls=tls) as pacs, Server(folder) as server, \
            Gateway(folder, server, {"pacs": pacs.node()}, tls=tls, pipelines=pipelines) as gateway:
        say(f"PACS on port {pacs.port}, gateway on {gateway.tls_port if tls else gateway.port}")
        began = time.monotonic()
        gateway.send(scan, tls=tls, timeout=600)
        images = len(list(scan.glob("*.dcm")))
        say(f"{images} images sent by storescu in {time.monotonic() - began:.1f} s")
        gateway.wait_until_delivered(1, 600)
        (identifier,) = pacs.series()
        files = sorted(pacs.save_series(identifier, folder / "returned").glob("*.dcm"))
        first = pydicom.dcmread(files[0])
        say(f"in the PACS: '{first.SeriesDescription}', {len(files)} instances, series "
            f"{first.SeriesNumber} of study {first.StudyID}, patient {first.PatientName}")
        parts = timings(server, gateway)
        for name, value in parts:
            print(f"  {value:8.2f} s  {name}")
        overhead = parts[-1][1] - parts[3][1]
        print(f"  {overhead:8.2f} s  of it gateway, transport and delivery")
        middle = sorted(pacs.json(f"/series/{identifier}/ordered-slices")["SlicesShort"])
        instance = middle[len(middle) // 2][0]
        Path("hospital.png").write_bytes(pacs.http(f"/instances/{instance}/rendered?width=480"))
        say("hospital.png is a slice as the PACS renders it")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        demo(options.keep, options.quick, options.tls)
    else:
        with tempfile.TemporaryDirectory(prefix="chistream-hospital-") as temporary:
            demo(Path(temporary), options.quick, options.tls)
