"""From raw k-space to a DICOM series that others read as the same map."""

import numpy

from chistream_harness import (BIN, FAST, Server, call, check_dicom, instances, nibabel,
                               pixels_equal_map, report, run, simulate)
import json


# Every other series, and the volume it shows.
SERIES = {"local-field": "local_field", "total-field": "total_field", "field-noise": "field_noise",
          "r2s": "r2s", "magnitude": "magnitude", "mask": "mask", "weight": "weight",
          "quality": "quality", "uncertainty": "uncertainty"}


def round_trip(folder, *oblique):
    scan, truth = simulate(folder, *oblique)
    out = folder / "out"
    with Server(folder) as server:
        server.client("reconstruct", scan, "-o", out, "--patient-name", "Round^Trip", *FAST,
                      "--series", ",".join(SERIES))

    series = instances(out)
    assert len(series) == 40
    assert [int(instance.InstanceNumber) for instance in series] == list(range(1, 41))
    assert len({instance.SOPInstanceUID for instance in series}) == 40
    assert len({instance.SeriesInstanceUID for instance in series}) == 1
    assert {str(instance.PatientName) for instance in series} == {"Round^Trip"}
    check_dicom(out)

    chi = nibabel.load(out / "chi.nii.gz")
    assert numpy.isfinite(chi.get_fdata()).all()
    true = nibabel.load(truth / "chi.nii.gz")
    assert numpy.allclose(chi.affine, true.affine, atol=1e-3), (chi.affine, true.affine)
    pixels_equal_map(out)
    for name in ("mask", "local_field", "total_field", "magnitude"):
        assert nibabel.load(out / f"{name}.nii.gz").shape == chi.shape, name
    for name, volume in SERIES.items():
        assert len(instances(out, name)) == 40, name
        pixels_equal_map(out, volume, name)
    assert report(out)

    call(BIN / "chistream-worker-cpu", "stage", "score", "--recon", out / "chi.nii.gz", "--truth",
         truth / "chi.nii.gz", "--mask", truth / "mask.nii.gz", "--labels",
         truth / "labels.nii.gz", "--json", folder / "score.json")
    score = json.loads((folder / "score.json").read_text())
    print(score)
    return score


def axial(folder):
    round_trip(folder)


def oblique(folder):
    round_trip(folder, "--oblique", 25, 10)


if __name__ == "__main__":
    run(axial, oblique)
