"""A measured three-echo brain crop, from NIfTI files to a DICOM series."""

import numpy

from chistream_harness import (Server, check_dicom, instances, nibabel, pixels_equal_map,
                               real_data, run)

# The crop is all tissue and 24 mm wide: a small ball, and no opening that would eat the mask.
CROP = ("--set", "background.radii_mm=4,2", "--set", "mask.opening_mm=0")


def brain_crop(folder):
    magnitude = real_data("romeo-clearswi-small/Mag.nii")
    phase = real_data("romeo-clearswi-small/Phase.nii")
    out = folder / "out"
    with Server(folder) as server:
        answer = server.client("reconstruct", magnitude, "--phase", phase, "--te", "0.004",
                               "0.008", "0.012", "--b0", "7", "-o", out, *CROP)
    print(answer.stdout, answer.stderr)
    assert len(instances(out)) == 41
    check_dicom(out)
    pixels_equal_map(out)
    chi = nibabel.load(out / "chi.nii.gz").get_fdata()
    mask = nibabel.load(out / "mask.nii.gz").get_fdata() > 0
    assert numpy.isfinite(chi).all()
    print(f"{mask.sum()} voxels, standard deviation {chi[mask].std() * 1000:.1f} ppb")
    assert 5 < chi[mask].std() * 1000 < 500


if __name__ == "__main__":
    run(brain_crop)
