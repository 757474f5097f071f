"""Input that cannot give a map is refused with a named reason, and the server goes on."""

import contextlib
import re
import shutil
import subprocess

import h5py
import numpy

from chistream_harness import (OK, REFUSED, FAST, USAGE, Server, Skip, instances, run, simulate,
                               uploaded_bytes, wait_for)

MATRIX, VOXEL_MM = (32, 36, 28), 6


@contextlib.contextmanager
def edited(scan, name):
    """A copy of the scan as an open HDF5 file, to be spoilt."""
    copy = scan.with_name(name)
    shutil.copy(scan, copy)
    with h5py.File(copy, "r+") as file:
        yield copy, file["dataset"]


def edit_xml(scan, name, old, new):
    with edited(scan, name) as (copy, dataset):
        xml = dataset["xml"][0]
        xml = xml.decode() if isinstance(xml, bytes) else xml
        assert old in xml, f"{old} not in the header"
        dataset["xml"][0] = xml.replace(old, new, 1)
    return copy


def edit_samples(scan, name, edit):
    with edited(scan, name) as (copy, dataset):
        lines = dataset["data"][:]
        for k, line in enumerate(lines):
            line["data"] = edit(k, line["data"])
        dataset["data"][:] = lines
    return copy


def with_nan(k, samples):
    if k == 100:
        samples[7] = numpy.nan
    return samples


def spoilt_scans(scan):
    """(path, the reason that must be named)."""
    yield edit_samples(scan, "zero.h5", lambda k, s: s * 0), "ALL_ZERO_SAMPLES"
    yield edit_samples(scan, "nan.h5", with_nan), "NON_FINITE_SAMPLES"
    yield edit_xml(scan, "te.h5", "<TE>10.000000", "<TE>3"), "TE_NOT_INCREASING"
    yield edit_xml(scan, "te_count.h5", "<TE>28.000000</TE>", ""), "ECHO_COUNT_MISMATCH"
    yield edit_xml(scan, "b0.h5", "<systemFieldStrength_T>3", "<systemFieldStrength_T>30"), \
        "B0_OUT_OF_RANGE"

    with edited(scan, "coils.h5") as (copy, dataset):
        line = dataset["data"][50]
        line["head"]["active_channels"] = 1
        line["head"]["number_of_samples"] *= 2
        dataset["data"][50] = line
    yield copy, "COIL_COUNT_MISMATCH"

    with edited(scan, "lines.h5") as (copy, dataset):
        dataset["data"].resize((len(dataset["data"]) - 30,))
    yield copy, "UNDERSAMPLED"

    with edited(scan, "fov.h5") as (copy, dataset):
        xml = dataset["xml"][0].decode()
        head, tail = xml.split("<reconSpace>")
        dataset["xml"][0] = head + "<reconSpace>" + tail.replace(
            tail[tail.index("<fieldOfView_mm>"):tail.index("</fieldOfView_mm>")],
            "<fieldOfView_mm><x>0</x><y>0</y><z>0</z>", 1)
    yield copy, None  # the encoded and the reconstructed field of view differ, or it is zero

    whole = scan.read_bytes()
    for name, content in (("truncated.h5", whole[: len(whole) // 2]), ("empty.h5", b""),
                          ("garbled.h5", bytes(reversed(whole))), ("text.h5", b"hello " * 1000)):
        scan.with_name(name).write_bytes(content)
        yield scan.with_name(name), None


def refusals(folder):
    scan, _ = simulate(folder, matrix=MATRIX, voxel_mm=VOXEL_MM)
    with Server(folder) as server:
        for path, reason in spoilt_scans(scan):
            answer = server.client("reconstruct", path, "-o", folder / "out", *FAST, expect=None)
            said = answer.stdout + answer.stderr
            assert answer.returncode == REFUSED, f"{path.name}: {answer.returncode}\n{said}"
            assert reason is None or reason in said, f"{path.name}: no {reason} in\n{said}"
            assert re.search(r"^[A-Z][A-Z0-9_]+: ", said, re.MULTILINE), f"{path.name}:\n{said}"
            assert not (folder / "out" / "dicom").exists(), path.name
            path.unlink()
        server.client("reconstruct", folder / "absent.h5", "-o", folder / "out", expect=REFUSED)
        still_works(server, scan, folder)


def still_works(server, scan, folder):
    server.client("reconstruct", scan, "-o", folder / "good", *FAST)
    assert len(instances(folder / "good")) == MATRIX[2]


def options_out_of_range(folder):
    scan, _ = simulate(folder, matrix=MATRIX, voxel_mm=VOXEL_MM)
    with Server(folder) as server:
        for setting, reason in (("inversion.iterations=-1", "OPTION_OUT_OF_RANGE"),
                                ("inversion.alpha=7", "OPTION_OUT_OF_RANGE"),
                                ("inversion.method=guess", "OPTION"),
                                ("inversion.nothing=1", "UNKNOWN_OPTION")):
            answer = server.client("reconstruct", scan, "-o", folder / "out", "--set", setting,
                                   expect=None)
            said = answer.stdout + answer.stderr
            assert answer.returncode in (USAGE, REFUSED), f"{setting}: {answer.returncode}\n{said}"
            assert reason in said, f"{setting}: no {reason} in\n{said}"
        still_works(server, scan, folder)


@contextlib.contextmanager
def small_disk(folder, mebibytes):
    mount = folder / "disk"
    mount.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", mount],
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        raise Skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", mount], check=True)


def full_disk(folder):
    """Somebody else fills the disk in the middle of an upload; it goes on when there is space."""
    scan, _ = simulate(folder, matrix=(64, 72, 48), coils=8)
    with small_disk(folder, 300) as disk, \
            Server(disk, "--reserve-mib", "0", "--credit-mib", "1") as server:
        client = server.start_client("reconstruct", scan, "-o", folder / "out", *FAST)
        wait_for("the upload to begin", lambda: uploaded_bytes(server) > 1 << 20)
        with (disk / "ballast").open("wb") as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(1 << 20))
        said, _ = client.communicate(timeout=120)
        assert client.returncode not in (OK, USAGE), said
        assert "DISK_FULL" in said, said
        server.client("jobs")

        (disk / "ballast").unlink()
        again = server.client("reconstruct", scan, "-o", folder / "out", *FAST)
        assert "resum" in (again.stdout + again.stderr).lower(), again
        assert len(instances(folder / "out")) == 48


def disk_reserve(folder):
    scan, _ = simulate(folder, matrix=MATRIX, voxel_mm=VOXEL_MM)
    with Server(folder, "--reserve-mib", str(1 << 40)) as server:
        answer = server.client("reconstruct", scan, "-o", folder / "out", expect=None)
        assert answer.returncode not in (OK, USAGE), answer
        assert "DISK_FULL" in answer.stdout + answer.stderr, answer
    with Server(folder) as server:
        still_works(server, scan, folder)


if __name__ == "__main__":
    run(refusals, options_out_of_range, disk_reserve, full_disk)
