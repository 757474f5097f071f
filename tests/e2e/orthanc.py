"""A PACS takes the series and gives it back unchanged (Orthanc on loopback, no authentication)."""

import json

from chistream_harness import FAST, Server, instances, run, simulate
from dicom_harness import Orthanc


def series_survives_a_pacs(folder):
    scan, _ = simulate(folder)
    out = folder / "out"
    with Server(folder) as server:
        server.client("reconstruct", scan, "-o", out, "--patient-name", "Pacs^Test", *FAST)
    sent = {str(instance.SOPInstanceUID): instance for instance in instances(out)}

    with Orthanc(folder) as pacs:
        for path in (out / "dicom").glob("*.dcm"):
            assert json.loads(pacs.http("/instances", path.read_bytes()))["Status"] == "Success"
        (stored,) = pacs.series().values()
        assert len(stored["Instances"]) == len(sent)
        for identifier in stored["Instances"]:
            content = pacs.http(f"/instances/{identifier}/file")
            uid = pacs.json(f"/instances/{identifier}/simplified-tags")
            original = sent.pop(uid["SOPInstanceUID"])
            assert content == open(original.filename, "rb").read()
    assert not sent


if __name__ == "__main__":
    run(series_survives_a_pacs)
