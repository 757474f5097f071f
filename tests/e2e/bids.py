"""A BIDS folder of magnitude and phase images gives the map that the raw data gave."""

import json

import numpy

from chistream_harness import (FAST, TE_S, Server, check_dicom, instances, nibabel,
                               pixels_equal_map, run, simulate)


def field_images(truth, folder):
    """Writes sub-1_echo-N_part-{mag,phase}_MEGRE.nii.gz as the true field would give them."""
    image = nibabel.load(truth / "chi.nii.gz")
    field_ppm = nibabel.load(truth / "total_field.nii.gz").get_fdata()
    brain = nibabel.load(truth / "mask.nii.gz").get_fdata() > 0
    anat = folder / "bids" / "sub-1" / "anat"
    anat.mkdir(parents=True)
    for echo, te_s in enumerate(map(float, TE_S), 1):
        phase = 2 * numpy.pi * 42.577478518 * 3 * field_ppm * te_s
        wrapped = numpy.angle(numpy.exp(1j * phase))
        magnitude = 1000 * numpy.exp(-te_s / 0.05) * brain
        for part, values in (("mag", magnitude), ("phase", wrapped)):
            stem = f"sub-1_echo-{echo}_part-{part}_MEGRE"
            nibabel.save(nibabel.Nifti1Image(values.astype(numpy.float32), image.affine),
                         anat / f"{stem}.nii.gz")
            sidecar = {"EchoTime": te_s, "MagneticFieldStrength": 3,
                       **({"Units": "rad"} if part == "phase" else {})}
            (anat / f"{stem}.json").write_text(json.dumps(sidecar))
    return anat


def bids_folder(folder):
    _, truth = simulate(folder, matrix=(64, 72, 56), voxel_mm=3, coils=1, oversampling=2)
    anat = field_images(truth, folder)
    out = folder / "out"
    with Server(folder) as server:
        server.client("reconstruct", anat, "-o", out, *FAST)
    assert len(instances(out)) == 56
    check_dicom(out)
    pixels_equal_map(out)
    chi = nibabel.load(out / "chi.nii.gz").get_fdata()
    true = nibabel.load(truth / "chi.nii.gz").get_fdata()
    inside = nibabel.load(out / "mask.nii.gz").get_fdata() > 0
    correlation = numpy.corrcoef(chi[inside], true[inside])[0, 1]
    print(f"correlation with the truth {correlation:.3f}")
    assert correlation > 0.5


if __name__ == "__main__":
    run(bids_folder)
