"""From a scanner's C-STORE to the series in a PACS, without any hand step."""

import subprocess

import numpy

from chistream_harness import BIN, Server, call, free_port, nibabel, pydicom, real_data, run, wait_for
from dicom_harness import FAST_SET, Gateway, Orthanc, tls_files
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


def every_object_class(folder):
    """MR images and the report to one node, Enhanced MR to a second, a Parametric Map to a third; and
    all of it once more for another AE title, de-identified."""
    head = small_head(folder)
    scan = write(head, folder / "scan", "philips")
    with Orthanc(folder) as pacs, Server(folder) as server:
        nodes = {"pacs": pacs.node() | {"report": True},
                 "modern": pacs.node() | {"object": "enhanced-mr"},
                 "archive": pacs.node() | {"object": "parametric-map"}}
        named = {"set": FAST_SET, "series": ["r2s", "local-field"]}
        pipelines = {"QSM_3T": named,
                     "QSM_ANON": named | {"deidentify": True, "qualification": "product"}}
        with Gateway(folder, server, nodes, pipelines=pipelines) as gateway:
            gateway.send(scan)
            gateway.wait_until_delivered(3)
            (exam,) = gateway.exams()
            maps = folder / "maps"
            server.client("fetch", exam["job_id"], "-o", maps)
            series = returned_series(pacs, folder / "out", 10)
            gateway.send(scan, called="QSM_ANON")
            gateway.wait_until_delivered(6)
            both = returned_series(pacs, folder / "both", 20)
    # Its tables put the accession number of an SR document into the series, that of images into the
    # study, and it says so of any two: the report is looked at by check_report().
    images = [files for files in series if pydicom.dcmread(files[0]).Modality == "MR"]
    everything = sorted(scan.rglob("*.dcm")) + [path for files in images for path in files]
    verdict = call("dcentvfy", *everything, expect=None)
    assert not (verdict.stdout + verdict.stderr).strip(), (verdict.stdout + verdict.stderr)[:2000]
    known = {files[0].parent.name for files in series}
    anonymous = [files for files in both if files[0].parent.name not in known]
    for some in (series, anonymous):
        classes = {}
        for files in some:
            check_dicom_files(files)
            first = pydicom.dcmread(files[0])
            classes[first.SOPClassUID.name] = classes.get(first.SOPClassUID.name, 0) + 1
            if first.SOPClassUID.name == "Parametric Map Storage":
                check_parametric_map(first, maps)
            if first.SOPClassUID.name == "Enhanced SR Storage":
                check_report(first, some)
        print(classes)
        assert sorted(classes.values()) == [1, 3, 3, 3]
    check_anonymous(anonymous, scan)


def a_node_that_takes_images_alone(folder):
    """It is to get a Parametric Map and the report, refuses both, and gets MR images."""
    head = small_head(folder)
    port = free_port()
    (folder / "in").mkdir()
    (folder / "images.cfg").write_text(
        "[[TransferSyntaxes]]\n[Plain]\nTransferSyntax1 = LittleEndianExplicit\n"
        "[[PresentationContexts]]\n[Images]\n"
        "PresentationContext1 = MRImageStorage\\Plain\n"
        "[[Profiles]]\n[Default]\nPresentationContexts = Images\n")
    command = ["storescp", "-xf", folder / "images.cfg", "Default", "-od", folder / "in", port]
    with subprocess.Popen([*map(str, command)]) as pacs, Server(folder) as server:
        node = {"ae_title": "OLD", "host": "127.0.0.1", "port": port, "object": "parametric-map",
                "report": True}
        with Gateway(folder, server, {"old": node}) as gateway:
            gateway.send(write(head, folder / "scan", "siemens-v"))
            gateway.wait_until_delivered()
            (delivery,) = gateway.deliveries()
            print(delivery["notes"])
            assert len(delivery["notes"]) == 2 and len(delivery["instances"]) == 40
            assert "does not take" in gateway.client("deliveries").stdout
        pacs.terminate()
    assert len(list((folder / "in").iterdir())) == 40


def check_report(document, series):
    """Numbers, a figure that is one of the images, and the same study and patient as theirs."""
    items = {item.ConceptNameCodeSequence[0].CodeValue: item for item in document.ContentSequence}
    volume = items["CHI_VOLUME"].MeasuredValueSequence[0]
    assert volume.NumericValue > 100 and volume.MeasurementUnitsCodeSequence[0].CodeValue == "ml"
    figure = items["FIGURE"].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    images = [pydicom.dcmread(path, stop_before_pixels=True) for files in series for path in files]
    assert figure in {ds.SOPInstanceUID for ds in images} and "WARNING" in items
    for name in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "StudyDate",
                 "StudyID", "AccessionNumber", "ReferringPhysicianName"):
        assert {str(ds[name].value) for ds in images} == {str(document[name].value)}, name


def check_anonymous(series, scan):
    """Nothing of the patient, the study or the source images is in any file."""
    source = [pydicom.dcmread(path, stop_before_pixels=True) for path in scan.rglob("*.dcm")]
    first = source[0]
    secrets = {str(first[name].value) for name in
               ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyInstanceUID",
                "FrameOfReferenceUID", "StudyDate", "ReferringPhysicianName", "InstitutionName")
               if name in first and str(first[name].value)}
    secrets |= {str(ds.SOPInstanceUID) for ds in source} | {str(ds.SeriesInstanceUID) for ds in source}
    assert len(secrets) > 10
    for files in series:
        for path in files:
            content = path.read_bytes()
            assert not any(secret.encode() in content for secret in secrets), path
            ds = pydicom.dcmread(path, stop_before_pixels=True)
            assert ds.PatientIdentityRemoved == "YES" and str(ds.PatientName).startswith("Anonymous^")
            assert ds.ContentDate == "19700101"
            assert ds.get("ContentQualification", "PRODUCT") == "PRODUCT"
            assert "research" not in ds.SeriesDescription


def incomplete_exams_are_named_completed_and_discarded(folder):
    head = small_head(folder)
    scan = write(head, folder / "scan", "siemens-v")
    late = folder / "late"
    late.mkdir()
    for path in list(scan.glob("P*.dcm")):
        ds = pydicom.dcmread(path, stop_before_pixels=True)
        if float(ds.EchoTime) == 12.0 and ds.InstanceNumber in (5, 6, 7, 11):
            path.rename(late / path.name)
    assert len(list(late.iterdir())) == 4
    with Server(folder) as server:
        with Gateway(folder, server, {}, quiet_s=0.5, give_up_s=1.5) as gateway:
            gateway.send(scan)
            wait_for("the exam to wait", lambda: [e for e in gateway.exams() if e.get("missing")
                                                  == ["phase, echo 2 (12 ms): slices 5 to 7, 11"]])
            wait_for("the exam to fail", lambda: gateway.exams()[0]["state"] == "EXAM_STATE_FAILED")
            failed = gateway.exams()[0]
            assert failed["error"]["reason"] == "IMAGES_MISSING", failed
            failures = 'exams{reason="IMAGES_MISSING",state="FAILED"}'
            assert gateway.metrics()[failures] == 1, gateway.metrics()
            gateway.send(late)  # what comes late completes it
            wait_for("the exam", lambda: "EXAM_STATE_DONE" in [e["state"] for e in gateway.exams()])
            done, failed = sorted(gateway.exams(), key=lambda exam: exam["state"])
            assert failed["superseded_by"] == done["exam_id"], failed
            assert "superseded by" in gateway.client("exams").stdout
            assert failures not in gateway.metrics() and gateway.metrics()["images_total"] == 240
            gateway.client("exams", "--discard", failed["exam_id"])
            (done,) = gateway.exams()
            assert done["images"] == 240
            again = call(BIN / "chistream", "exams", "--discard", done["exam_id"], "--gateway",
                         f"unix:{gateway.socket}", expect=None)
            assert "EXAM_NOT_FAILED" in again.stderr


def by_web_and_with_commitment(folder):
    """STOW-RS to one node; another that has to say that it keeps what it stored."""
    scan = write(small_head(folder), folder / "scan", "siemens-v")
    with Server(folder) as server:
        pacs = Orthanc(folder, web=True)
        nodes = {"committing": pacs.node() | {"commitment": True},
                 "web": {"url": f"{pacs.url}/dicom-web/studies", "object": "parametric-map"}}
        gateway = Gateway(folder, server, nodes)
        pacs.settings["DicomModalities"] = {"gateway": ["CHISTREAM", "127.0.0.1", gateway.port]}
        with pacs, gateway:
            for node in nodes:
                gateway.client("nodes", "--echo", node)
            gateway.send(scan)
            gateway.wait_until_delivered(2)
            assert len(pacs.series()) == 2
            asked = {d["node"]: bool(d.get("transaction_uid")) for d in gateway.deliveries()}
            assert asked == {"committing": True, "web": False}


def check_parametric_map(ds, maps):
    """Every float equals the NIfTI map, bit by bit, and frames lie where their slices do."""
    name = {"QSM": "chi", "R2STAR": "r2s", "LOCAL_FIELD": "local_field"}[ds.ContentLabel]
    image = nibabel.load(maps / f"{name}.nii.gz")
    volume = numpy.asarray(image.dataobj, dtype=numpy.float32)
    pixels = numpy.frombuffer(ds.FloatPixelData, "<f4").reshape(-1, ds.Rows, ds.Columns)
    order = [int(round((numpy.linalg.inv(image.affine) @ numpy.array(
        [-float(p[0]), -float(p[1]), float(p[2]), 1]))[2]))
        for p in (group.PlanePositionSequence[0].ImagePositionPatient
                  for group in ds.PerFrameFunctionalGroupsSequence)]
    assert numpy.array_equal(pixels, volume.transpose(2, 1, 0)[order])


def measured_images_without_a_hand_step(folder, tls=None):
    scan = real_data("siemens-6echo-dicom-phantom/dicom")
    with Orthanc(folder, tls=tls) as pacs, Server(folder) as server:
        with Gateway(folder, server, {"pacs": pacs.node()}, tls=tls) as gateway:
            gateway.send(scan, tls=tls)
            gateway.wait_until_delivered()
            (files,) = returned_series(pacs, folder / "out")
    assert len(files) == 10
    check_source(files, scan)
    check_dicom_files(files)


def measured_images_with_tls(folder):
    measured_images_without_a_hand_step(folder, tls_files(folder / "tls"))


if __name__ == "__main__":
    run(every_kind_of_scanner, with_tls, every_object_class, by_web_and_with_commitment,
        a_node_that_takes_images_alone, incomplete_exams_are_named_completed_and_discarded,
        measured_images_without_a_hand_step, measured_images_with_tls)
