"""One simulated head as the scanners of different makers would send it in DICOM.

Head.simulate() makes complex images of every echo; write(head, folder, kind) writes them as KINDS
say. Attributes are those that docs/gateway.md names for each maker; nothing is shared with the
reader under test.
"""

from dataclasses import dataclass, field

import h5py
import nibabel
import numpy
import scipy.fft
import scipy.ndimage
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from chistream_harness import BIN, call

MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
HZ_PER_T = 42.577478518e6
KINDS = ("siemens-v", "siemens-xa", "ge-complex", "ge", "philips", "philips-enhanced")


@dataclass
class Head:
    """Complex images (echo, x, y, z), and where the grid lies in the patient (LPS, mm)."""
    images: numpy.ndarray
    te_s: tuple
    voxel_mm: tuple
    axes: numpy.ndarray          # columns: directions of x, y and z
    origin: numpy.ndarray
    b0_t: float = 3.0
    patient: str = "Head^Simulated"
    study: str = field(default_factory=generate_uid)
    frame_of_reference: str = field(default_factory=generate_uid)

    @classmethod
    def simulate(cls, folder, matrix=(48, 56, 40), voxel_mm=4, te_s=(0.004, 0.010, 0.016),
                 snr=100, coils=1, options=()):
        folder.mkdir(exist_ok=True)
        truth, raw = folder / "truth", folder / "scan.h5"
        call(BIN / "chistream-worker-cpu", "simulate", "-o", raw, "--truth", truth, "--matrix",
             *matrix, "--voxel", *3 * [voxel_mm], "--coils", coils, "--te", *te_s, "--b0", 3, "--snr",
             snr, "--seed", 7, *options)
        images = images_of(raw, matrix, len(te_s), coils)
        images /= numpy.percentile(numpy.abs(images[0]), 99)
        affine = nibabel.load(truth / "magnitude.nii.gz").affine
        to_lps = numpy.diag([-1.0, -1.0, 1.0])
        return cls(images, te_s, 3 * (voxel_mm,),
                   to_lps @ affine[:3, :3] / voxel_mm, to_lps @ affine[:3, 3])

    def position(self, slice_index):
        return self.origin + slice_index * self.voxel_mm[2] * self.axes[:, 2]


def images_of(raw, matrix, echoes, coils):
    """Fully sampled k-space, its centre in the middle of the array, as images of all coils
    together: a scanner combines them before it writes DICOM."""
    kspace = numpy.zeros((coils, echoes, *matrix), numpy.complex64)
    with h5py.File(raw) as file:
        for record in file["dataset/data"][:]:
            index = record["head"]["idx"]
            line = record["data"].view(numpy.complex64).reshape(coils, -1)
            kspace[:, index["contrast"], :, index["kspace_encode_step_1"],
                   index["kspace_encode_step_2"]] = line
    over = (1, 2, 3)
    image = lambda lines: numpy.fft.fftshift(
        scipy.fft.ifftn(numpy.fft.ifftshift(lines, over), axes=over), over)
    images = numpy.array([image(coil) for coil in kspace])
    return images[0] if coils == 1 else combined(images)


def combined(images):
    """Roemer's combination with smooth sensitivities, relative to the sum of all coils after they
    were made to agree in the middle of the head."""
    middle = tuple(size // 2 for size in images.shape[2:])
    turn = numpy.exp(-1j * numpy.angle(images[(slice(None), 0, *middle)]))[:, None, None, None]
    reference = (images[:, 0] * turn).sum(axis=0)
    smooth = lambda volume: scipy.ndimage.gaussian_filter(volume, 4)
    power = smooth(numpy.abs(reference) ** 2) + 1e-12
    sensitivities = [(smooth((coil * reference.conj()).real)
                      + 1j * smooth((coil * reference.conj()).imag)) / power
                     for coil in images[:, 0]]
    total = sum(numpy.abs(s) ** 2 for s in sensitivities) + 1e-12
    return sum(s.conj() * coil for s, coil in zip(sensitivities, images)) / total


def decimals(values):
    return [f"{value:.10g}"[:16] for value in values]


def common(head, maker, model, software, sop_class):
    """What every instance of a scan has."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID = sop_class
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20260102"
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "101112"
    ds.AccessionNumber = "A17"
    ds.Modality = "MR"
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = maker, model, software
    ds.DeviceSerialNumber = "4711"
    ds.ReferringPhysicianName = "Meier^Anna"
    ds.StudyDescription = "Head"
    ds.PatientName, ds.PatientID = head.patient, "P-42"
    ds.PatientBirthDate, ds.PatientSex = "19700203", "F"
    ds.BodyPartExamined = "BRAIN"
    ds.MagneticFieldStrength = decimals([head.b0_t])[0]
    ds.ProtocolName = "qsm_3d"
    ds.PatientPosition = "HFS"
    ds.StudyInstanceUID, ds.StudyID = head.study, "1"
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = head.frame_of_reference, ""
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = head.images.shape[2], head.images.shape[1]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    return ds


def single_frame(ds, head, te, echo, index):
    """What a single-frame instance says of its echo and place."""
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions = "GR", "SP", ""
    ds.MRAcquisitionType = "3D"
    ds.SliceThickness = ds.SpacingBetweenSlices = decimals([head.voxel_mm[2]])[0]
    ds.RepetitionTime, ds.EchoTime, ds.FlipAngle = "35", decimals([1e3 * te])[0], "15"
    ds.ImagingFrequency = decimals([HZ_PER_T * head.b0_t * 1e-6])[0]
    ds.EchoNumbers, ds.EchoTrainLength = echo + 1, len(head.te_s)
    ds.ImagePositionPatient = decimals(head.position(index))
    ds.ImageOrientationPatient = decimals([*head.axes[:, 0], *head.axes[:, 1]])
    ds.PixelSpacing = decimals([head.voxel_mm[1], head.voxel_mm[0]])


def save(folder, name, ds, pixels, syntax=ExplicitVRLittleEndian):
    folder.mkdir(parents=True, exist_ok=True)
    ds.SOPInstanceUID = generate_uid()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    ds.PixelData = numpy.ascontiguousarray(pixels).tobytes()
    ds["PixelData"].VR = "OW"
    file = FileDataset(str(folder / name), ds, file_meta=meta, preamble=b"\0" * 128)
    file.is_little_endian, file.is_implicit_VR = True, syntax == ImplicitVRLittleEndian
    file.save_as(folder / name, write_like_original=False)
    return folder / name


def plane(volume, index, dtype):
    """Slice `index` of (x, y, z) as rows of columns."""
    return volume[:, :, index].T.astype(dtype)


def magnitude_12bit(image, factor=2000):
    return numpy.clip(numpy.rint(factor * numpy.abs(image)), 0, 4095)


def turns_12bit(image):
    """Phase -pi..pi as 0..4095."""
    return numpy.rint(numpy.angle(image) / numpy.pi * 2048 + 2048) % 4096


def for_each_image(head):
    """(echo, te, slice) in an order no scanner would choose."""
    slices = head.images.shape[3]
    order = [(echo, index) for index in range(slices) for echo in range(len(head.te_s))]
    for echo, index in sorted(order, key=lambda place: (place[1] * 7 % slices, place[0])):
        yield echo, head.te_s[echo], index


def siemens_v(head, folder):
    series = {"M": (6, generate_uid()), "P": (7, generate_uid())}
    for number, (echo, te, index) in enumerate(for_each_image(head)):
        for part in "MP":
            ds = common(head, "SIEMENS", "Prisma_fit", "syngo MR E11", MR)
            single_frame(ds, head, te, echo, index)
            ds.ImageType = ["ORIGINAL", "PRIMARY", part, "ND"]
            ds.SeriesNumber, ds.SeriesInstanceUID = series[part]
            ds.AcquisitionNumber, ds.InstanceNumber = 1, index + 1
            csa = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
            csa.add_new(0x20, "OB", siemens_protocol(head))
            if part == "P":
                ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "2", "-4096", "US"
            pixels = (magnitude_12bit if part == "M" else turns_12bit)(head.images[echo])
            save(folder, f"{part}{number:05}.dcm", ds, plane(pixels, index, "<u2"))


def siemens_protocol(head):
    text = (f"lContrasts  \t0\n### ASCCONV BEGIN ###\nsKSpace.ucDimension\t = \t0x4\n"
            f"sKSpace.lImagesPerSlab\t = \t{head.images.shape[3]}\nlContrasts\t = \t"
            f"{len(head.te_s)}\n### ASCCONV END ###").encode()
    return text + b" " * (len(text) % 2)


def item(**attributes):
    ds = Dataset()
    for name, value in attributes.items():
        setattr(ds, name, value)
    return Sequence([ds])


def enhanced(head, ds, frames, scale_slope=None):
    """A multi-frame instance; frames: (component, token, echo, slice, slope, intercept)."""
    shared = Dataset()
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=decimals(
        [*head.axes[:, 0], *head.axes[:, 1]]))
    shared.PixelMeasuresSequence = item(PixelSpacing=decimals([head.voxel_mm[1], head.voxel_mm[0]]),
                                        SliceThickness=decimals([head.voxel_mm[2]])[0],
                                        SpacingBetweenSlices=decimals([head.voxel_mm[2]])[0])
    shared.MRTimingAndRelatedParametersSequence = item(
        RepetitionTime="35", FlipAngle="15", EchoTrainLength=len(head.te_s))
    shared.MRImagingModifierSequence = item(TransmitterFrequency=HZ_PER_T * head.b0_t * 1e-6)
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    per_frame = []
    for component, token, echo, index, slope, intercept in frames:
        own = Dataset()
        own.MRImageFrameTypeSequence = item(FrameType=["ORIGINAL", "PRIMARY", token, "NONE"],
                                            ComplexImageComponent=component)
        own.PlanePositionSequence = item(ImagePositionPatient=decimals(head.position(index)))
        own.MREchoSequence = item(EffectiveEchoTime=1e3 * head.te_s[echo])
        own.PixelValueTransformationSequence = item(
            RescaleSlope=decimals([slope])[0], RescaleIntercept=decimals([intercept])[0],
            RescaleType="US")
        if scale_slope and component == "MAGNITUDE":
            inner = Dataset()
            inner.private_block(0x2005, "Philips MR Imaging DD 001", create=True).add_new(
                0x0e, "FL", scale_slope[echo])
            own.add_new((0x2005, 0x0014), "LO", "Philips MR Imaging DD 005")
            own.add_new((0x2005, 0x140f), "SQ", Sequence([inner]))
        per_frame.append(own)
    ds.PerFrameFunctionalGroupsSequence = Sequence(per_frame)
    ds.NumberOfFrames = len(per_frame)


def siemens_xa(head, folder):
    for part, component, number in (("M", "MAGNITUDE", 6), ("P", "PHASE", 7)):
        ds = common(head, "SIEMENS", "MAGNETOM Vida", "syngo MR XA30", ENHANCED_MR)
        ds.ImageType = ["ORIGINAL", "PRIMARY", part, "NONE"]
        ds.SeriesNumber, ds.SeriesInstanceUID = number, generate_uid()
        ds.AcquisitionNumber, ds.InstanceNumber = 1, 1
        scaling = (2, -4096) if part == "P" else (1, 0)
        places = [(echo, index) for echo, _, index in for_each_image(head)]
        enhanced(head, ds, [(component, part, *place, *scaling) for place in places])
        convert = magnitude_12bit if part == "M" else turns_12bit
        pixels = [plane(convert(head.images[echo]), index, "<u2") for echo, index in places]
        save(folder, f"{part}.dcm", ds, numpy.array(pixels))


def ge_series(head, folder, kinds):
    """GE turns the phase the other way, and leaves every other slice negated."""
    chopped = numpy.conj(head.images) * (-1.0) ** numpy.arange(head.images.shape[3])
    store = {0: lambda image: numpy.rint(2000 * numpy.abs(image)),
             1: lambda image: numpy.rint(1000 * numpy.angle(image)),
             2: lambda image: numpy.rint(8000 * image.real),
             3: lambda image: numpy.rint(8000 * image.imag)}
    uid = generate_uid()
    for number, (echo, te, index) in enumerate(for_each_image(head)):
        for kind in kinds:
            ds = common(head, "GE MEDICAL SYSTEMS", "SIGNA Premier", "MR29.1", MR)
            single_frame(ds, head, te, echo, index)
            ds.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
            ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 15, 1
            ds.SeriesNumber, ds.SeriesInstanceUID = 9, uid
            ds.AcquisitionNumber, ds.InstanceNumber = 1, number * len(kinds) + kinds.index(kind) + 1
            ds.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x2f, "SS", kind)
            ds.private_block(0x0019, "GEMS_ACQU_01", create=True).add_new(
                0x7e, "SS", len(head.te_s))
            ds.private_block(0x0021, "GEMS_RELA_01", create=True).add_new(
                0x4f, "SS", head.images.shape[3])
            pixels = plane(store[kind](chopped[echo]), index, "<i2")
            save(folder, f"{kind}-{number:05}.dcm", ds, pixels, ImplicitVRLittleEndian)


def ge_complex(head, folder):
    ge_series(head, folder, (2, 3))


def ge(head, folder):
    ge_series(head, folder, (0, 1))


# Philips stores magnitudes of each echo with factors of their own; phase in mrad.
PHILIPS_PHASE = (1.5346, -3142.0)


def philips_magnitude(image, echo):
    """Stored values, rescale slope and scale slope."""
    rescale, scale = 1.5 + 0.25 * echo, 0.004 * (1 + 0.5 * echo)
    return numpy.clip(numpy.rint(numpy.abs(image) * scale * 250e3), 0, 4095), rescale, scale


def philips_phase(image):
    slope, intercept = PHILIPS_PHASE
    return numpy.clip(numpy.rint((1000 * numpy.angle(image) - intercept) / slope), 0, 4095)


def philips(head, folder):
    uid = generate_uid()
    for number, (echo, te, index) in enumerate(for_each_image(head)):
        for part in "MP":
            ds = common(head, "Philips Medical Systems", "Ingenia", "5.6.1", MR)
            single_frame(ds, head, te, echo, index)
            ds.ImageType = ["ORIGINAL", "PRIMARY", *(["M_FFE", "M", "FFE"] if part == "M" else
                                                     ["PHASE MAP", "P", "FFE"])]
            ds.SeriesNumber, ds.SeriesInstanceUID = 501, uid
            ds.AcquisitionNumber, ds.InstanceNumber = 5, 2 * number + (part == "P") + 1
            imaging = ds.private_block(0x2001, "Philips Imaging DD 001", create=True)
            imaging.add_new(0x14, "SL", len(head.te_s))
            imaging.add_new(0x18, "SL", head.images.shape[3])
            if part == "M":
                pixels, slope, scale = philips_magnitude(head.images[echo], echo)
                intercept = 0.0
                ds.private_block(0x2005, "Philips MR Imaging DD 001", create=True).add_new(
                    0x0e, "FL", scale)
            else:
                pixels, (slope, intercept) = philips_phase(head.images[echo]), PHILIPS_PHASE
            ds.RescaleSlope, ds.RescaleIntercept = decimals([slope, intercept])
            ds.RescaleType = "normalized"
            save(folder, f"{part}{number:05}.dcm", ds, plane(pixels, index, "<u2"))


def philips_enhanced(head, folder):
    ds = common(head, "Philips Medical Systems", "Ingenia Elition", "5.7.1", ENHANCED_MR)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "MIXED", "NONE"]
    ds.ComplexImageComponent = "MIXED"
    ds.SeriesNumber, ds.SeriesInstanceUID = 601, generate_uid()
    ds.AcquisitionNumber, ds.InstanceNumber = 6, 1
    frames, pixels, scale_slope = [], [], {}
    for echo, _, index in for_each_image(head):
        stored, slope, scale_slope[echo] = philips_magnitude(head.images[echo], echo)
        frames.append(("MAGNITUDE", "M_FFE", echo, index, slope, 0.0))
        pixels.append(plane(stored, index, "<u2"))
        frames.append(("PHASE", "PHASE MAP", echo, index, *PHILIPS_PHASE))
        pixels.append(plane(philips_phase(head.images[echo]), index, "<u2"))
    enhanced(head, ds, frames, scale_slope)
    save(folder, "all.dcm", ds, numpy.array(pixels))


WRITERS = dict(zip(KINDS, (siemens_v, siemens_xa, ge_complex, ge, philips, philips_enhanced)))


def write(head, folder, kind):
    WRITERS[kind](head, folder)
    return folder
