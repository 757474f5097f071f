"""The same head from every maker's scanner gives the same map; measured images are read rightly."""

import json

import numpy

from chistream_harness import (FAST, REFUSED, TE_S, Server, check_dicom, instances, nibabel,
                               pixels_equal_map, pydicom, real_data, report, run)
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


def resliced(head, order, flips):
    """The same head on a grid whose axes are those of `head` in another order and direction."""
    images = head.images.transpose(0, *(1 + axis for axis in order))
    axes = head.axes[:, order].copy()
    voxel = tuple(head.voxel_mm[axis] for axis in order)
    origin = head.origin.copy()
    for place, flip in enumerate(flips):
        if flip:
            origin = origin + axes[:, place] * voxel[place] * (images.shape[1 + place] - 1)
            axes[:, place] *= -1
            images = numpy.flip(images, 1 + place)
    return Head(images, head.te_s, voxel, axes, origin)


def coordinates(instances_):
    """(slice, row, column) -> patient coordinates, as pydicom reads them."""
    places = []
    for ds in instances_:
        orientation = numpy.array(ds.ImageOrientationPatient, float)
        row_mm, column_mm = map(float, ds.PixelSpacing)
        row, column = numpy.mgrid[: ds.Rows, : ds.Columns]
        places.append(numpy.array(ds.ImagePositionPatient, float)[:, None, None]
                      + orientation[:3, None, None] * column_mm * column
                      + orientation[3:, None, None] * row_mm * row)
    return numpy.array(places)


def truth_correlation(result, head):
    chi = nibabel.load(result / "chi.nii.gz").get_fdata()
    inside = nibabel.load(result / "mask.nii.gz").get_fdata() > 0
    truth = nibabel.load(head / "truth" / "chi.nii.gz").get_fdata()
    return numpy.corrcoef(chi[inside], truth[inside])[0, 1]


def each_voxel_lies_where_its_source_does(folder):
    grid = dict(matrix=(80, 96, 72), voxel_mm=2, te_s=(0.004, 0.012, 0.020))
    axial = Head.simulate(folder / "axial", **grid)
    oblique = Head.simulate(folder / "oblique", **grid,
                            options=("--oblique", 20))
    heads = {"axial": axial,
             "sagittal": resliced(axial, (1, 2, 0), (0, 1, 0)),
             "coronal": resliced(axial, (0, 2, 1), (0, 1, 0)),
             "feet first": resliced(axial, (0, 1, 2), (1, 0, 1)),
             "double oblique": oblique,
             "double oblique, sagittal": resliced(oblique, (1, 2, 0), (0, 1, 0))}
    values = {}
    with Server(folder) as server:
        for name, head in heads.items():
            scan = write(head, folder / f"{name}-in", "siemens-v")
            out = folder / f"{name}-out"
            server.client("reconstruct", scan, "-o", out, *FAST)
            results = instances(out)
            source = [pydicom.dcmread(path, stop_before_pixels=True)
                      for path in scan.glob("M*.dcm")]
            source = {tuple(ds.ImagePositionPatient): ds for ds in source}
            for ds in results:
                match = source[tuple(ds.ImagePositionPatient)]
                assert ds.ImageOrientationPatient == match.ImageOrientationPatient
                assert ds.PixelSpacing == match.PixelSpacing
                named = [str(image.ReferencedSOPInstanceUID) for image in ds.SourceImageSequence]
                assert str(match.SOPInstanceUID) in named and len(named) == 2 * len(head.te_s)
            where = coordinates(results)
            order = numpy.lexsort(where.transpose(1, 0, 2, 3).reshape(3, -1).round(2))
            values[name] = numpy.array([ds.pixel_array for ds in results], float).ravel()[order]
    for name, reference in (("sagittal", "axial"), ("coronal", "axial"), ("feet first", "axial"),
                            ("double oblique, sagittal", "double oblique")):
        inside = (values[name] != 0) & (values[reference] != 0)
        off = (values[name] - values[reference])[inside]
        rms, scale = numpy.sqrt((off ** 2).mean()), values[reference][inside].std()
        print(f"{name}: {rms:.2f} ppb rms from {reference}, of {scale:.0f}", flush=True)
        assert rms < 0.05 * scale
    # B0 enters along the patient's axis: the oblique map is as true as the axial one.
    right = {name: truth_correlation(folder / f"{name}-out", folder / name.split()[-1])
             for name in ("axial", "double oblique")}
    print({name: round(value, 4) for name, value in right.items()}, flush=True)
    assert right["double oblique"] > right["axial"] - 0.03


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


def homodyne(images, part=0.2):
    """Each slice divided by the phase of its own low-pass, a Hann window of `part` of k-space."""
    spectrum = numpy.fft.fftshift(numpy.fft.fft2(images, axes=(1, 2)), (1, 2))
    window = numpy.zeros(images.shape[1:3])
    low = [slice((size - int(part * size)) // 2, (size + int(part * size)) // 2)
           for size in window.shape]
    window[tuple(low)] = numpy.outer(*(numpy.hanning(axis.stop - axis.start) for axis in low))
    smooth = numpy.fft.ifft2(numpy.fft.ifftshift(spectrum * window[None, :, :, None], (1, 2)),
                             axes=(1, 2))
    return numpy.abs(images) * numpy.exp(1j * numpy.angle(images * smooth.conj()))


def filtered_phase_is_refused(folder):
    head = Head.simulate(folder, te_s=(0.006, 0.018))
    head.images = homodyne(head.images)
    with Server(folder) as server:
        for kind in ("siemens-xa", "ge-complex"):
            refused = server.client("reconstruct", write(head, folder / kind, kind), "-o",
                                    folder / "out", expect=REFUSED)
            assert "FILTERED_PHASE" in refused.stderr, refused.stderr


# Stored phase of each maker in radians, and which way it turns.
PAIRS = {"ge": ("ge", lambda stored: stored / 1000, -1),
         "philips": ("philips", lambda stored: stored / 1000, +1),
         "siemens": ("siemens-v", lambda stored: stored * numpy.pi / 4096, +1)}


def measured_pairs_of_three_makers(folder):
    """Two echoes of a kidney scan: the field is the difference of their phases, with the right sign
    and unit. Abdomen: nothing to map, so only the field is looked at."""
    with Server(folder) as server:
        for maker, (kind, radians, sign) in PAIRS.items():
            echoes = [sorted(path for path in real_data(f"ukat-dual-echo-3vendor/{maker}").glob(
                f"*_e{echo}*.nii.gz") if "roi" not in path.name) for echo in (1, 2)]
            images, te_s = [], []
            for pair in echoes:
                phase = next(p for p in pair if "_ph" in p.name or "Phase" in p.name)
                magnitude = next(p for p in pair if p != phase)
                sidecar = json.loads(phase.with_name(phase.name[:-7] + ".json").read_text())
                te_s.append(sidecar["EchoTime"])
                loaded = nibabel.load(magnitude)
                size = loaded.get_fdata()
                images.append(size / numpy.percentile(size, 99.9)
                              * numpy.exp(1j * radians(nibabel.load(phase).get_fdata())))
            images = numpy.array(images)
            if maker == "ge":  # the writer turns the phase, and negates slices, as GE does
                images = numpy.conj(images) * (-1.0) ** numpy.arange(images.shape[3])
            voxel = tuple(map(float, loaded.header.get_zooms()[:3]))
            to_lps = numpy.diag([-1.0, -1.0, 1.0]) @ loaded.affine[:3]
            axes = to_lps[:, :3] / voxel
            if numpy.linalg.det(axes) < 0:  # images ascend along the normal
                images, axes = images[..., ::-1], axes * [1, 1, -1]
            head = Head(images, tuple(te_s), voxel, axes, to_lps[:, 3],
                        b0_t=sidecar["MagneticFieldStrength"])
            options = ("--set", "inversion.iterations=2", "--series", "total-field")
            out, plain = folder / f"out-{maker}", folder / f"plain-{maker}"
            server.client("reconstruct", write(head, folder / maker, kind), "-o", out, *options)
            for name, part in (("magnitude", numpy.abs), ("phase", numpy.angle)):
                volume = part(images).transpose(1, 2, 3, 0).astype("f4")
                affine = numpy.vstack([numpy.diag([-1.0, -1.0, 1.0]) @ numpy.c_[
                    axes * voxel, to_lps[:, 3]], [0, 0, 0, 1]])
                nibabel.save(nibabel.Nifti1Image(volume, affine), folder / f"{name}.nii.gz")
            server.client("reconstruct", folder / "magnitude.nii.gz", "--phase",
                          folder / "phase.nii.gz", "--te", *te_s, "--b0", head.b0_t,
                          "--phase-units", "rad", "-o", plain, *options)
            field = [nibabel.load(path / "total_field.nii.gz").get_fdata() for path in (out, plain)]
            inside = numpy.logical_and(*(nibabel.load(path / "mask.nii.gz").get_fdata() > 0
                                         for path in (out, plain)))
            off = numpy.median(abs(field[0] - field[1])[inside])
            turn = 2 * numpy.pi * 42.577478518 * head.b0_t * (te_s[1] - te_s[0])
            measured = images[1] * images[0].conj()
            right, wrong = (numpy.median(abs(numpy.angle(
                measured * numpy.exp(way * 1j * turn * field[0])))[inside]) for way in (-1, 1))
            print(f"{maker}: {inside.sum()} voxels, field {off:.5f} ppm from that of the phase in "
                  f"radians; {right:.3f} rad from the echoes' difference, {wrong:.2f} with the other "
                  "sign", flush=True)
            assert off < 0.005 and right < wrong / 5
            assert any("PHASE_SIGN" in w for w in report(out)["warnings"]) == (sign < 0)


def measured_field_maps(folder):
    """What field-map sequences give: hertz (GE), and the phase difference of two echoes (Siemens)."""
    ge, siemens = (real_data(name) for name in ("ge-b0map-brain-and-7t-sphere",
                                                "siemens-fieldmap-brain"))
    sidecars = [json.loads((siemens / f"me_FieldMap_GRE_2_e{echo}.json").read_text())
                for echo in (1, 2)]
    te_s = [sidecar["EchoTime"] for sidecar in sidecars]
    sphere = "GE_2_3db0maps_patient"
    hertz = ("--phase-units", "hz")
    sources = {
        "GE 7 T sphere": (ge, f"{sphere}.nii.gz", f"{sphere}_fieldmaphz.nii.gz", 7, hertz),
        "GE 3 T brain": (ge, "GE_6_CV_Neuro_HH_Adv.nii", "GE_6_CV_Neuro_HH_Adv_fieldmaphz.nii", 3,
                         hertz),
        "Siemens 3 T brain": (siemens, "me_FieldMap_GRE_2_e1.nii", "me_FieldMap_GRE_3_e2_ph.nii",
                              sidecars[0]["MagneticFieldStrength"],
                              ("--te", *te_s, "--phase-difference"))}
    with Server(folder) as server:
        for name, (where, magnitude, phase, b0_t, options) in sources.items():
            out = folder / name.replace(" ", "-")
            server.client("reconstruct", "--magnitude", where / magnitude, "--phase", where / phase,
                          "--b0", b0_t, *options, "-o", out, "--set", "inversion.iterations=2",
                          "--series", "total-field,local-field")
            mask = nibabel.load(out / "mask.nii.gz").get_fdata() > 0
            field_hz = nibabel.load(out / "total_field.nii.gz").get_fdata() * 42.577478518 * b0_t
            stored = nibabel.load(where / phase).get_fdata()
            if "GE" in name:
                off = abs(field_hz - stored)[mask]
                wrong = abs(field_hz + stored)[mask]
            else:
                hertz_per_turn = 1 / (te_s[1] - te_s[0])
                off, wrong = (abs(numpy.mod(field_hz - sign * stored / 8192 * hertz_per_turn
                                            + hertz_per_turn / 2, hertz_per_turn)
                                  - hertz_per_turn / 2)[mask] for sign in (1, -1))
            print(f"{name}: {mask.sum()} voxels, field {numpy.median(off):.3f} Hz from what the "
                  f"scanner says, {numpy.median(wrong):.1f} Hz with the other sign", flush=True)
            assert numpy.median(off) < 0.05 and numpy.median(wrong) > 5
            assert any("FIELD_MAP" in warning for warning in report(out)["warnings"])
            if "sphere" in name:  # no sources inside: nothing may be left but noise
                local = nibabel.load(out / "local_field.nii.gz").get_fdata()
                inside = local[local != 0]
                print(f"  local field {inside.std():.4f} ppm rms of "
                      f"{(field_hz / 42.577478518 / b0_t)[mask].std():.4f} ppm", flush=True)
                assert inside.std() < 0.012


if __name__ == "__main__":
    run(maps_agree_whatever_the_vendor, each_voxel_lies_where_its_source_does,
        filtered_phase_is_refused,
        measured_images_of_six_echoes,
        measured_pairs_of_three_makers, measured_field_maps)
