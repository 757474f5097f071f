"""seeds.py FOLDER: what a fuzzer begins with, small and valid, in FOLDER/<target>/."""

import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import nibabel
import numpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from chistream_harness import api_messages  # noqa: E402
from mrd_client import CLOSE, TEXT, messages, text  # noqa: E402
from vendor_scans import Head, write  # noqa: E402


def nifti(folder):
    random = numpy.random.default_rng(1)
    for name, shape, kind in (("int16", (4, 5, 6), numpy.int16), ("float", (4, 4, 4, 2), "f4"),
                              ("double", (3, 3, 3), "f8"), ("uint8", (8, 2, 2), numpy.uint8)):
        values = random.uniform(0, 100, shape).astype(kind)
        for suffix in (".nii", ".nii.gz"):
            nibabel.save(nibabel.Nifti1Image(values, numpy.eye(4)), folder / (name + suffix))


def header(pb, content):
    exam = pb.ExamHeader(format_version=1, coils=2, content=content, b0_t=3, phase_sign=1,
                         vendor="seed")
    exam.te_s.extend([0.005, 0.010])
    geometry = exam.geometry
    for axis, size in zip("xyz", (4, 4, 4)):
        setattr(geometry.matrix, axis, size)
        setattr(geometry.voxel_mm, axis, 2.0)
    exam.encoded.CopyFrom(geometry.matrix)
    geometry.x_direction_lps.x = geometry.y_direction_lps.y = geometry.z_direction_lps.z = 1
    return exam


def record(kind, payload):
    return bytes([kind]) + struct.pack("<H", len(payload)) + payload


def exam_container(folder, pb):
    """In the form that exam_container.cpp takes."""
    samples = numpy.random.default_rng(2).normal(size=2 * 2 * 4).astype("f4").tobytes()
    lines = b"".join(record(2, struct.pack("<6I", echo, y, z, 2, 4, 0) + samples)
                     for echo in range(2) for z in range(4) for y in range(4))
    end = pb.ContainerEnd(acquisitions=32).SerializeToString()
    for content in (1, 2):
        exam = header(pb, content).SerializeToString()
        (folder / f"lines-{content}").write_bytes(
            b"\0\0" + record(1, exam) + lines + record(4, end))
    volume = numpy.random.default_rng(3).uniform(-3, 3, 64).astype("f4").tobytes()
    blocks = b"".join(record(3, struct.pack("<6I", echo, coil, part, 4, 4, 4) + volume)
                      for echo in range(2) for coil in range(2) for part in (1, 2))
    end = pb.ContainerEnd(image_blocks=8).SerializeToString()
    (folder / "images").write_bytes(
        b"\0\0" + record(1, header(pb, 2).SerializeToString()) + blocks + record(4, end))


def small_scan(folder, worker):
    scan = folder / "scan.h5"
    subprocess.run([worker, "simulate", "-o", scan, "--matrix", "4", "4", "4", "--voxel", "10",
                    "10", "10", "--coils", "1", "--te", "0.005", "--b0", "3", "--snr", "40",
                    "--seed", "7"], check=True, stdout=subprocess.DEVNULL)
    return scan


def ismrmrd(folder, worker):
    with tempfile.TemporaryDirectory() as scratch:
        scan = small_scan(Path(scratch), worker)
        (folder / "file").write_bytes(b"\1" + scan.read_bytes())
        whole = b"".join(bytes([0x14, 0]) for _ in range(32))  # 4 samples of 2 coils, as expected
        (folder / "lines").write_bytes(b"\2" + whole)
        for bit in range(8):
            (folder / f"line-{bit}").write_bytes(b"\2" + bytes([0x14, 1 << bit, 1, 0, 0, 0x3f]) + whole)
        with h5py.File(scan) as file:
            (folder / "xml").write_bytes(b"\0" + file["dataset/xml"][0])


def upload_protocol(folder):
    (folder / "plain").write_bytes(b"\1\0" + b"\1\0\x20" + bytes(range(32)) + b"\4\5")
    (folder / "resumed").write_bytes(b"\1\0" + b"\1\0\x10" + bytes(16) + b"\4\7\0" + b"\1\0\x10" +
                                     bytes(16) + b"\4\5\5")


def dicom(folder, pb):
    with tempfile.TemporaryDirectory() as scratch:
        images = numpy.exp(1j * numpy.random.default_rng(4).uniform(-3, 3, (2, 8, 8, 4)))
        head = Head(images, (0.005, 0.010), (2.0, 2.0, 2.0), numpy.eye(3), numpy.zeros(3))
        for kind in ("philips-enhanced", "siemens-xa", "ge", "siemens-v"):
            files = sorted(write(head, Path(scratch) / kind, kind).iterdir())
            (folder / kind).write_bytes(b"\0" + files[0].read_bytes())
    noted = b""
    for number in range(2 * 2 * 3):
        part, echo, slice_ = 1 + number % 2, number // 2 % 2, number // 4
        facts = pb.DicomInstance(sop_instance_uid=f"1.{number}", series_instance_uid=f"2.{part}",
                                 series_number=part, rows=8, columns=8, row_spacing_mm=2,
                                 column_spacing_mm=2, slice_thickness_mm=2, vendor="ge",
                                 orientation="1\\0\\0\\0\\1\\0", declared_echoes=2)
        facts.frames.add(part=part, te_s=0.005 * (1 + echo), position=f"0\\0\\{2 * slice_}",
                         scale=1)
        record = facts.SerializeToString()
        noted += struct.pack("<H", len(record)) + record
    (folder / "noted").write_bytes(b"\1" + noted)


def mrd(folder, worker):
    with tempfile.TemporaryDirectory() as scratch:
        scan = small_scan(Path(scratch), worker)
        stream = b"".join(messages(scan))
    (folder / "whole").write_bytes(stream + struct.pack("<H", CLOSE))
    (folder / "cut").write_bytes(stream[:-100])
    (folder / "text").write_bytes(text(TEXT, "hello") + struct.pack("<H", CLOSE))


def main():
    target, worker = Path(sys.argv[1]), sys.argv[2]
    for name in ("nifti", "exam_container", "ismrmrd", "upload_protocol", "dicom", "mrd"):
        (target / name).mkdir(parents=True, exist_ok=True)
    nifti(target / "nifti")
    exam_container(target / "exam_container", *api_messages("acquisition"))
    ismrmrd(target / "ismrmrd", worker)
    upload_protocol(target / "upload_protocol")
    dicom(target / "dicom", *api_messages("dicom_source"))
    mrd(target / "mrd", worker)


if __name__ == "__main__":
    main()
