"""Write NM objects: projections (TOMO, GATED TOMO) and reconstructed slices (RECON TOMO).

DICOM PS3.3 A.5 with C.8.4.8 (frames), C.8.4.12 (rotation), C.8.4.15 (reconstruction). Values are
stored with a Rescale Slope, which NM does not list but every reader applies, and the same in a Real
World Value Mapping.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, NuclearMedicineImageStorage, generate_uid
from pydicom.valuerep import format_number_as_ds

from hevesy.imaging.geometry import Volume

# What a reconstruction keeps of the projections it was made from.
_KEPT: Final = (
    "SpecificCharacterSet",
    "TimezoneOffsetFromUTC",
    "StudyDate",
    "StudyTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "AccessionNumber",
    "Manufacturer",
    "ManufacturerModelName",
    "InstitutionName",
    "StationName",
    "ReferringPhysicianName",
    "StudyDescription",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "BodyPartExamined",
    "StudyInstanceUID",
    "StudyID",
    "RequestAttributesSequence",
    "ReferencedStudySequence",
    "ReferencedPatientSequence",
    "RadiopharmaceuticalInformationSequence",
    "RotationInformationSequence",
    "PatientOrientationCodeSequence",
    "PatientGantryRelationshipCodeSequence",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "GatedInformationSequence",
    "HeartRate",
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a reconstruction writes about itself. Texts are cut to what their attribute holds."""

    method: str
    description: str
    kernel: str = ""
    attenuation: str = ""
    scatter: str = ""
    corrections: Sequence[str] = ()
    iterations: int = 0
    subsets: int = 0


def recon_tomo_dataset(
    gates: Sequence[Volume],
    source: Dataset,
    recorded: Recorded,
    *,
    series_description: str,
    series_number: int = 1,
    energy_window: int = 0,
    made_at: datetime | None = None,
) -> Dataset:
    """One RECON TOMO object, or RECON GATED TOMO for several volumes of the same grid.

    Volumes are axial (i to the left, j to the back, k up; `ValueError` otherwise). source: header
    of the projections, whose patient, study, drug and rotations are kept and which is named as
    source image. UIDs are derived from the source and what is recorded: the same reconstruction of
    the same data is the same object. One slope serves all gates, so that they compare.
    """
    first = gates[0]
    _check_axial(gates)
    array = np.stack([volume.array for volume in gates]).astype(np.float64)
    seed = [str(source.get("SOPInstanceUID", "")), recorded.method, recorded.description]
    seed.append(str(array.sum()))
    dataset = _begun(generate_uid(entropy_srcs=[*seed, "instance"]))
    for keyword in _KEPT:
        if keyword in source:
            dataset[keyword] = deepcopy(source[keyword])
    gated = len(gates) > 1
    kind = "RECON GATED TOMO" if gated else "RECON TOMO"
    dataset.ImageType = ["DERIVED", "PRIMARY", kind, "EMISSION"]
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[*seed, "series"])
    dataset.SeriesNumber, dataset.SeriesDescription = series_number, series_description[:64]
    dataset.InstanceNumber = 1
    dataset.FrameOfReferenceUID = first.frame_of_reference_uid or generate_uid(
        entropy_srcs=[*seed, "frame"]
    )
    dataset.PositionReferenceIndicator = ""
    dataset.SoftwareVersions = "hevesy"
    _stamp(dataset, source, made_at)
    _record(dataset, source, recorded)
    _place(dataset, first, source, energy_window)
    slices = first.array.shape[0]
    count = len(gates) * slices
    dataset.NumberOfFrames = count
    dataset.NumberOfSlices = slices
    dataset.SliceVector = list(range(1, slices + 1)) * len(gates)
    dataset.FrameIncrementPointer = [0x00540080]
    if gated:
        dataset.FrameIncrementPointer = [0x00540060, 0x00540070, 0x00540080]
        dataset.NumberOfRRIntervals, dataset.NumberOfTimeSlots = 1, len(gates)
        dataset.RRIntervalVector = [1] * count
        if "GatedInformationSequence" not in dataset:
            dataset.GatedInformationSequence = Items([])
        dataset.TimeSlotVector = [g + 1 for g in range(len(gates)) for _ in range(slices)]
    _set_values(dataset, array.reshape(count, *array.shape[2:]), first.units)
    return dataset


def _check_axial(gates: Sequence[Volume]) -> None:
    first = gates[0]
    directions = first.ijk_to_lps[:3, :3] / np.array(first.spacing_mm)
    if not np.allclose(directions, np.eye(3), atol=1e-6):
        raise ValueError("only axial volumes with i to the left, j to the back, k up are written")
    for volume in gates[1:]:
        same = np.array_equal(volume.ijk_to_lps, first.ijk_to_lps)
        if not same or volume.array.shape != first.array.shape:
            raise ValueError("gates lie on one grid")


def _stamp(dataset: Dataset, source: Dataset, made_at: datetime | None) -> None:
    moment = made_at.strftime("%Y%m%d%H%M%S") if made_at else ""
    for kind in ("Series", "Content"):
        date = moment[:8] or source.get(f"{kind}Date") or source.get("StudyDate") or ""
        time = moment[8:] or source.get(f"{kind}Time") or source.get("StudyTime") or ""
        setattr(dataset, f"{kind}Date", date)
        setattr(dataset, f"{kind}Time", time)


def _record(dataset: Dataset, source: Dataset, recorded: Recorded) -> None:
    # Attributes of the PET modules: NM has none of its own for these.
    dataset.ReconstructionMethod = recorded.method[:64]
    dataset.DerivationDescription = recorded.description[:1024]
    if recorded.kernel:
        dataset.ConvolutionKernel = recorded.kernel[:16]
    if recorded.attenuation:
        dataset.AttenuationCorrectionMethod = recorded.attenuation[:64]
    if recorded.scatter:
        dataset.ScatterCorrectionMethod = recorded.scatter[:64]
    if recorded.corrections:
        dataset.CorrectedImage = list(recorded.corrections)
    if recorded.iterations:
        dataset.NumberOfIterations = recorded.iterations
        dataset.NumberOfSubsets = recorded.subsets
    if source.get("SOPInstanceUID"):
        item = Dataset()
        item.ReferencedSOPClassUID = source.get("SOPClassUID") or NuclearMedicineImageStorage
        item.ReferencedSOPInstanceUID = source.SOPInstanceUID
        item.PurposeOfReferenceCodeSequence = Items(
            [_code("121322", "DCM", "Source image for image processing operation")]
        )
        dataset.SourceImageSequence = Items([item])


def _place(dataset: Dataset, volume: Volume, source: Dataset, energy_window: int) -> None:
    spacing = volume.spacing_mm
    dataset.PixelSpacing = [_ds(spacing[1]), _ds(spacing[0])]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = _ds(spacing[2])
    dataset.ReconstructionDiameter = _ds(spacing[0] * volume.shape_ijk[0])
    windows = list(source.get("EnergyWindowInformationSequence") or ())
    dataset.EnergyWindowInformationSequence = Items(windows[energy_window : energy_window + 1])
    dataset.NumberOfEnergyWindows = 1
    detectors = list(source.get("DetectorInformationSequence") or ())
    detector = Dataset()
    for keyword in ("CollimatorGridName", "CollimatorType", "FocalDistance", "FieldOfViewShape"):
        if detectors and keyword in detectors[0]:
            detector[keyword] = deepcopy(detectors[0][keyword])
    if "CollimatorType" not in detector:
        detector.CollimatorType = ""
    detector.ImagePositionPatient = [_ds(x) for x in volume.ijk_to_lps[:3, 3]]
    detector.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    dataset.DetectorInformationSequence = Items([detector])
    dataset.NumberOfDetectors = 1
    dataset.NumberOfRotations = max(1, len(source.get("RotationInformationSequence") or ()))


@dataclass(frozen=True, slots=True)
class TomoHeader:
    """How projections were taken, for `tomo_dataset`. position: HFS, HFP, FFS or FFP.

    start_deg, step_deg, direction ("CW" or "CC"), radii_mm per view: of one head; `heads_deg` are
    the start angles of further heads. windows_kev: limits of each energy window. centre_z_mm: of
    the middle row in the patient; None leaves the position out, as many cameras do.
    """

    start_deg: float
    step_deg: float
    direction: str
    pixel_mm: tuple[float, float]
    radii_mm: Sequence[float]
    frame_s: float = 20.0
    heads_deg: Sequence[float] = ()
    windows_kev: Sequence[tuple[float, float]] = ((126.5, 154.5),)
    collimator: str = "LEHR"
    position: str = "HFS"
    centre_z_mm: float | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)


def tomo_dataset(counts: npt.NDArray[Any], header: TomoHeader) -> Dataset:
    """A TOMO object of counts [window, gate, head, view, row, column], whole and from 0 to 65535.

    GATED TOMO where there are several gates. identity: attributes by keyword that replace those of
    a nameless patient. Rows run from head to feet, columns as seen from the detector.
    """
    windows, gates, heads, views, rows, columns = counts.shape
    dataset = _begun(generate_uid())
    gated = gates > 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "GATED TOMO" if gated else "TOMO", "EMISSION"]
    dataset.PatientName, dataset.PatientID = "Phantom^Spect", "PHANTOM"
    dataset.PatientBirthDate, dataset.PatientSex = "", "O"
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = "20260101"
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = "090000"
    dataset.AcquisitionDate, dataset.AcquisitionTime = "20260101", "090000"
    dataset.AccessionNumber = dataset.StudyID = dataset.ReferringPhysicianName = ""
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.FrameOfReferenceUID = generate_uid()
    dataset.PositionReferenceIndicator = ""
    dataset.Manufacturer = "Hevesy phantom"
    dataset.SeriesNumber = dataset.InstanceNumber = 1
    _lay(dataset, header.position)
    dataset.PixelSpacing = [_ds(header.pixel_mm[1]), _ds(header.pixel_mm[0])]
    dataset.RadiopharmaceuticalInformationSequence = Items([Dataset()])
    dataset.RadiopharmaceuticalInformationSequence[0].RadionuclideCodeSequence = Items(
        [_code("72454006", "SCT", "^99m^Technetium")]
    )
    dataset.EnergyWindowInformationSequence = Items([_window(*one) for one in header.windows_kev])
    starts = (header.start_deg, *header.heads_deg)
    dataset.DetectorInformationSequence = Items([_head(header, a, rows) for a in starts])
    dataset.RotationInformationSequence = Items([_rotation(header, views)])
    dataset.NumberOfEnergyWindows, dataset.NumberOfDetectors = windows, heads
    dataset.NumberOfRotations = 1
    index = np.indices((windows, gates, heads, views)).reshape(4, -1) + 1
    dataset.NumberOfFrames = index.shape[1]
    dataset.EnergyWindowVector, dataset.DetectorVector = index[0].tolist(), index[2].tolist()
    dataset.RotationVector = [1] * index.shape[1]
    dataset.AngularViewVector = index[3].tolist()
    dataset.FrameIncrementPointer = [0x00540010, 0x00540020, 0x00540050, 0x00540090]
    if gated:
        dataset.NumberOfRRIntervals, dataset.NumberOfTimeSlots = 1, gates
        dataset.RRIntervalVector = [1] * index.shape[1]
        dataset.TimeSlotVector = index[1].tolist()
        pointers = [0x00540010, 0x00540020, 0x00540050, 0x00540060, 0x00540070, 0x00540090]
        dataset.FrameIncrementPointer = pointers
        dataset.GatedInformationSequence = Items([])
    _set_stored(dataset, np.rint(counts.reshape(-1, rows, columns)), signed=False)
    for keyword, value in header.identity.items():
        setattr(dataset, keyword, value)
    return dataset


def _lay(dataset: Dataset, position: str) -> None:
    lying = {"S": ("40199007", "SCT", "supine"), "P": ("1240000", "SCT", "prone")}[position[2]]
    entering = {
        "HF": ("102540008", "SCT", "headfirst"),
        "FF": ("102541007", "SCT", "feet-first"),
    }[position[:2]]
    orientation = dataset.PatientOrientationCodeSequence[0]
    orientation.PatientOrientationModifierCodeSequence = Items([_code(*lying)])
    dataset.PatientGantryRelationshipCodeSequence = Items([_code(*entering)])


def _window(low_kev: float, high_kev: float) -> Dataset:
    item, limits = Dataset(), Dataset()
    limits.EnergyWindowLowerLimit, limits.EnergyWindowUpperLimit = _ds(low_kev), _ds(high_kev)
    item.EnergyWindowRangeSequence = Items([limits])
    item.EnergyWindowName = f"{low_kev:g}-{high_kev:g}"
    return item


def _head(header: TomoHeader, start_deg: float, rows: int) -> Dataset:
    item = Dataset()
    item.CollimatorGridName, item.CollimatorType = header.collimator, "PARA"
    item.FocalDistance = "0"
    item.StartAngle = _ds(start_deg)
    item.ImagePositionPatient = item.ImageOrientationPatient = None
    if header.centre_z_mm is not None:
        a = math.radians(start_deg)
        top = header.centre_z_mm + (rows - 1) / 2.0 * header.pixel_mm[1]
        item.ImagePositionPatient = ["0", "0", _ds(top)]
        item.ImageOrientationPatient = [_ds(-math.cos(a)), _ds(math.sin(a)), "0", "0", "0", "-1"]
    return item


def _rotation(header: TomoHeader, views: int) -> Dataset:
    item = Dataset()
    item.StartAngle, item.AngularStep = _ds(header.start_deg), _ds(header.step_deg)
    item.RotationDirection = header.direction
    item.ScanArc = _ds(header.step_deg * views)
    item.ActualFrameDuration = round(1000 * header.frame_s)
    item.RadialPosition = [_ds(radius) for radius in header.radii_mm]
    item.NumberOfFramesInRotation = views
    return item


def _begun(sop_instance_uid: str) -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = NuclearMedicineImageStorage
    dataset.SOPInstanceUID = sop_instance_uid
    dataset.Modality = "NM"
    dataset.CountsAccumulated = "0"
    dataset.Laterality = ""
    # Instead of Patient Position, which the standard forbids beside these.
    dataset.PatientOrientationCodeSequence = Items([_code("102538003", "SCT", "recumbent")])
    dataset.PatientGantryRelationshipCodeSequence = Items([])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = NuclearMedicineImageStorage
    meta.MediaStorageSOPInstanceUID = sop_instance_uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    return dataset


def _set_values(dataset: Dataset, values: npt.NDArray[np.float64], units: str) -> None:
    """Stored values with one slope; signed only where something is below zero."""
    signed = bool(values.min() < 0)
    most = 32767 if signed else 65535
    text = _ds(max(float(np.abs(values).max()), 1e-12) / most)
    stored = np.clip(np.rint(values / float(text)), -most if signed else 0, most)
    dataset.RescaleSlope, dataset.RescaleIntercept = text, "0"
    dataset.Units = units
    mapping = Dataset()
    mapping.LUTExplanation, mapping.LUTLabel = units, units
    mapping.MeasurementUnitsCodeSequence = Items(
        [_code("{counts}", "UCUM", "counts")]
        if units == "CNTS"
        else [_code("Bq/ml", "UCUM", "Becquerels/milliliter")]
    )
    mapping.RealWorldValueIntercept, mapping.RealWorldValueSlope = 0.0, float(text)
    _set_stored(dataset, stored, signed=signed)
    kind = "SS" if signed else "US"
    mapping.add_new("RealWorldValueFirstValueMapped", kind, -most if signed else 0)
    mapping.add_new("RealWorldValueLastValueMapped", kind, most)
    dataset.RealWorldValueMappingSequence = Items([mapping])


def _set_stored(dataset: Dataset, stored: npt.NDArray[Any], *, signed: bool) -> None:
    if stored.min() < (-32768 if signed else 0) or stored.max() > (32767 if signed else 65535):
        raise ValueError("values do not fit 16 bits")
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape[1:]
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = int(signed)
    dataset.PixelData = np.ascontiguousarray(stored, dtype="<i2" if signed else "<u2").tobytes()
    dataset["PixelData"].VR = "OW"


def _ds(number: float) -> str:
    return str(format_number_as_ds(float(number)))


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item
