"""The same head from every maker's scanner gives the same map; measured images are read rightly."""

import numpy

from chistream_harness import (FAST, TE_S, Server, check_dicom, instances, nibabel,
                               pixels_equal_map, real_data, report, run)
from vendor_scans import KINDS, Head, write


def maps_agree_whatever_the_vendor(folder):
    head = Head.simulate(folder, matrix=(80, 96, 72), voxel_mm=2, te_s=tuple(map(float, TE_S)))
    maps, masks = {}, {}
    with Server(folder) as server:
        for kind in KINDS:
            scan = write(head, folder / kind, kind)
            out = folder / f"out-{kind}"
            server.client("reconstruct", scan, "-o", out, *FAST)
            maps[kind] = nibabel.load(out / "chi.nii.gz").get_fdata()
            masks[kind] = nibabel.load(out / "mask.nii.gz").get_fdata() > 0
            warnings = report(out)["warnings"]
            assert kind.startswith("ge") == any(w.startswith("SLICE_CHOPPING") for w in warnings)
    everywhere = numpy.logical_and.reduce(list(masks.values()))
    for kind in KINDS:
        off = 1000 * (maps[kind] - maps[KINDS[0]])[everywhere]
        off -= off.mean()
        rms = numpy.sqrt((off ** 2).mean())
        print(f"{kind}: {rms:.3f} ppb rms from {KINDS[0]} in {everywhere.sum()} voxels", flush=True)
        assert rms < 1


def measured_images_of_six_echoes(folder):
    """120 instances of a Siemens scanner, in no order: 10 slices, 6 echoes, phase 0..4095."""
    scan = real_data("siemens-6echo-dicom-phantom/dicom")
    out = folder / "out"
    with Server(folder) as server:
        server.client("reconstruct", scan, "-o", out, *FAST, "--series", "total-field")
    check_dicom(out)
    pixels_equal_map(out)
    assert len(instances(out)) == 10
    field = nibabel.load(out / "total_field.nii.gz").get_fdata()
    mask = nibabel.load(out / "mask.nii.gz").get_fdata() > 0
    spread = numpy.percentile(123.259 * field[mask], (1, 99))
    print(f"field {spread[0]:.0f} to {spread[1]:.0f} Hz in {mask.sum()} voxels")


if __name__ == "__main__":
    run(maps_agree_whatever_the_vendor, measured_images_of_six_echoes)
