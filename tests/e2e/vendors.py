"""The same head from every maker's scanner gives the same map."""

import numpy

from chistream_harness import FAST, Server, check_dicom, instances, nibabel, real_data, report, run
from vendor_scans import KINDS, Head, write


def maps_agree_whatever_the_vendor(folder):
    head = Head.simulate(folder)
    maps, masks = {}, {}
    with Server(folder) as server:
        for kind in KINDS:
            scan = write(head, folder / kind, kind)
            out = folder / f"out-{kind}"
            server.client("reconstruct", scan, "-o", out, *FAST)
            maps[kind] = nibabel.load(out / "chi.nii.gz").get_fdata()
            masks[kind] = nibabel.load(out / "mask.nii.gz").get_fdata() > 0
            print(kind, masks[kind].sum(), report(out)["warnings"], flush=True)
    both = numpy.logical_and.reduce(list(masks.values()))
    for kind in KINDS:
        off = 1000 * (maps[kind] - maps[KINDS[0]])[both]
        off -= off.mean()
        print(f"{kind}: {numpy.sqrt((off ** 2).mean()):.3f} ppb rms from {KINDS[0]} in "
              f"{both.sum()} voxels, {1000 * maps[kind][both].std():.1f} ppb themselves")


if __name__ == "__main__":
    run(maps_agree_whatever_the_vendor)
