"""Whose map it is: two patients never share an identifier."""

from chistream_harness import FAST, Server, check_dicom, instances, run, simulate


def uids(folder):
    found = set()
    for instance in instances(folder):
        found |= {instance.SOPInstanceUID, instance.SeriesInstanceUID, instance.StudyInstanceUID,
                  instance.FrameOfReferenceUID}
    return found


def two_patients_same_data(folder):
    scan, _ = simulate(folder)
    with Server(folder) as server:
        for name in ("one", "two"):
            server.client("reconstruct", scan, "-o", folder / name, "--patient-name",
                          f"Patient^{name}", "--patient-id", f"id-{name}", *FAST)
    for name in ("one", "two"):
        check_dicom(folder / name)
        assert {str(instance.PatientName) for instance in instances(folder / name)} == \
            {f"Patient^{name}"}
    shared = uids(folder / "one") & uids(folder / "two")
    assert not shared, f"both patients have {shared}"


if __name__ == "__main__":
    run(two_patients_same_data)
