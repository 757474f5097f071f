"""From a scanner's C-STORE to the series in a PACS, without any hand step."""

import numpy

from chistream_harness import Server, call, pydicom, real_data, run
from dicom_harness import Gateway, Orthanc, tls_files
from vendor_scans import KINDS, Head, write


def small_head(folder):
    return Head.simulate(folder, te_s=(0.004, 0.012, 0.020))


def returned_series(pacs, folder, count=1):
    """The files of the series that the gateway put into the PACS."""
    series = pacs.series()
    assert len(series) == count, series
    return [sorted(pacs.save_series(identifier, folder / identifier).glob("*.dcm"))
            for identifier in series]


def check_source(files, scan):
    """The result lies on the source: same study, patient and frame, same places, and names it."""
    source = [pydicom.dcmread(path, stop_before_pixels=True) for path in scan.rglob("*.dcm")]
    uids = {str(ds.SOPInstanceUID) for ds in source}
    first = source[0]
    results = [pydicom.dcmread(path) for path in files]
    for ds in results:
        for tag in ("StudyInstanceUID", "PatientID", "PatientName", "FrameOfReferenceUID",
                    "AccessionNumber", "StudyID"):
            assert ds.get(tag) == first.get(tag, ""), tag
        named = {str(item.ReferencedSOPInstanceUID) for item in ds.SourceImageSequence}
        assert named and named <= uids
    places = {tuple(map(str, ds.ImagePositionPatient)) for ds in results}
    if "ImagePositionPatient" in first:
        assert places == {tuple(map(str, ds.ImagePositionPatient)) for ds in source}
    return results


def every_kind_of_scanner(folder, tls=None):
    head = small_head(folder)
    maps = {}
    with Orthanc(folder, tls=tls) as pacs, Server(folder) as server:
        with Gateway(folder, server, {"pacs": pacs.node()}, tls=tls) as gateway:
            for number, kind in enumerate(KINDS):
                head = Head(head.images, head.te_s, head.voxel_mm, head.axes, head.origin)
                scan = write(head, folder / kind, kind)
                before = set(pacs.series())
                gateway.send(scan, tls=tls)
                gateway.wait_until_delivered(number + 1)
                (new,) = set(pacs.series()) - before
                files = sorted(pacs.save_series(new, folder / "out" / kind).glob("*.dcm"))
                results = sorted(check_source(files, scan),
                                 key=lambda ds: int(ds.InstanceNumber))
                maps[kind] = numpy.array([ds.pixel_array for ds in results], float)
                check_dicom_files(files)
    for kind in KINDS:
        off = maps[kind] - maps[KINDS[0]]
        print(f"{kind}: median difference {numpy.median(abs(off[maps[kind] != 0])):.2f} ppb")


def check_dicom_files(files):
    """Every object differs from its neighbours in place and pixels only: five tell for all."""
    for path in files[:: max(1, len(files) // 5)]:
        verdict = call("dciodvfy", "-new", path, expect=None)
        errors = [line for line in verdict.stderr.splitlines() if line.startswith("Error")]
        assert not errors, f"{path.name}: {errors}"


def with_tls(folder):
    every_kind_of_scanner(folder, tls_files(folder / "tls"))


def measured_images_without_a_hand_step(folder):
    scan = real_data("siemens-6echo-dicom-phantom/dicom")
    with Orthanc(folder) as pacs, Server(folder) as server:
        with Gateway(folder, server, {"pacs": pacs.node()}) as gateway:
            gateway.send(scan)
            gateway.wait_until_delivered()
            (files,) = returned_series(pacs, folder / "out")
    assert len(files) == 10
    check_source(files, scan)
    check_dicom_files(files)


if __name__ == "__main__":
    run(every_kind_of_scanner, with_tls, measured_images_without_a_hand_step)
