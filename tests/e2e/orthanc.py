"""A PACS takes the series and gives it back unchanged (Orthanc on loopback, no authentication)."""

import json
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager

from chistream_harness import FAST, Server, Skip, instances, run, simulate, wait_for


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def orthanc(folder):
    """The base URL of an Orthanc with a storage of its own."""
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    if not program:
        raise Skip("Orthanc is not installed")
    port = free_port()
    folder.mkdir()
    (folder / "orthanc.json").write_text(json.dumps({
        "Name": "test", "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"), "HttpPort": port, "DicomServerEnabled": False,
        "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "Plugins": []}))
    with (folder / "orthanc.log").open("w") as log:
        process = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for("Orthanc to answer", lambda: answers(url, process), 60)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def answers(url, process):
    assert process.poll() is None, "Orthanc ended"
    try:
        return http(f"{url}/system")
    except (urllib.error.URLError, ConnectionError):
        return None


def http(url, body=None):
    request = urllib.request.Request(url, data=body)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request,
                                                                           timeout=30) as answer:
        return answer.read()


def series_survives_a_pacs(folder):
    scan, _ = simulate(folder)
    out = folder / "out"
    with Server(folder) as server:
        server.client("reconstruct", scan, "-o", out, "--patient-name", "Pacs^Test", *FAST)
    sent = {str(instance.SOPInstanceUID): instance for instance in instances(out)}

    with orthanc(folder / "orthanc") as url:
        for path in (out / "dicom").glob("*.dcm"):
            assert json.loads(http(f"{url}/instances", path.read_bytes()))["Status"] == "Success"
        (series,) = json.loads(http(f"{url}/series"))
        stored = json.loads(http(f"{url}/series/{series}"))
        assert len(stored["Instances"]) == len(sent)
        for identifier in stored["Instances"]:
            content = http(f"{url}/instances/{identifier}/file")
            uid = json.loads(http(f"{url}/instances/{identifier}/simplified-tags"))
            original = sent.pop(uid["SOPInstanceUID"])
            assert content == open(original.filename, "rb").read()
    assert not sent


if __name__ == "__main__":
    run(series_survives_a_pacs)
