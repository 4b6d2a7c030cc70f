"""PET and CT volumes as complete DICOM series.

Every type 1 and 2 attribute of the PET Image and CT Image IODs (PS3.3 A.21 and A.3) is present, so
that the files can be sent, archived and validated like those of a scanner. Whoever calls supplies
patient, study and accession attributes; nothing here invents an identity.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    PositronEmissionTomographyImageStorage,
    generate_uid,
)
from pydicom.valuerep import format_number_as_ds

from hevesy.imaging.dicomio.identity import Administration, SeriesIdentity, StudyIdentity
from hevesy.imaging.geometry import Volume
from hevesy.imaging.nuclides import nuclide
from hevesy.imaging.quantify.decay import average_count_time_s, decay_factor

MANUFACTURER: Final = "Hevesy phantom"
_CHARACTER_SET: Final = "ISO_IR 192"


_BEDS_MM: Final = 150.0
_BED_SECONDS: Final = 150.0


def pet_datasets(
    volume: Volume,
    identity: StudyIdentity,
    administration: Administration,
    series: SeriesIdentity,
    *,
    scan_started_at: datetime | None = None,
) -> Iterator[Dataset]:
    """Slices of a PET volume in SUVbw as PET Image instances in Bq/mL.

    Units BQML, decay corrected to the start of the series (START), one rescale slope per slice;
    beds of 15 cm follow each other every 150 s from the feet up, as scanners do it. The SUV
    computed from the instances gives back the volume, within half a stored unit (1/65534 of the
    slice's maximum). Needs identity.weight_kg. Axial volumes only (`ValueError`).
    """
    if volume.units != "SUVbw" or not identity.weight_kg:
        raise ValueError("a volume in SUVbw and a patient weight are needed")
    _check_axial(volume)
    started = (scan_started_at or identity.started_at).astimezone(identity.started_at.tzinfo)
    half_life_s = nuclide(administration.radionuclide).half_life_s
    elapsed_s = (started - administration.injected_at).total_seconds()
    if elapsed_s < 0:
        raise ValueError("the scan starts before the injection")
    left_bq = float(administration.activity_bq) * decay_factor(
        elapsed_s=elapsed_s, half_life_s=half_life_s
    )
    bq_per_ml = left_bq / (1000.0 * float(identity.weight_kg))
    common = _pet_common(volume, identity, administration, series, started)
    frame_s = average_count_time_s(frame_duration_s=_BED_SECONDS, half_life_s=half_life_s)
    for k, plane in enumerate(volume.array):
        bed_s = int(k * volume.spacing_mm[2] // _BEDS_MM) * _BED_SECONDS
        dataset = _instance(common, volume, k, started + timedelta(seconds=bed_s))
        activity = plane.astype(np.float64) * bq_per_ml
        # The slope is rounded to what a decimal string holds before it is used.
        text = _ds(max(float(activity.max()), 1e-3) / 32767.0)
        dataset.RescaleSlope, dataset.RescaleIntercept = text, "0"
        stored = np.clip(np.rint(activity / float(text)), 0, 32767).astype("<i2")
        _set_pixels(dataset, stored.tobytes(), bits=16, signed=True)
        dataset.SmallestImagePixelValue = int(stored.min())
        dataset.LargestImagePixelValue = int(stored.max())
        dataset.FrameReferenceTime = _ds(1000.0 * (bed_s + frame_s))
        dataset.ActualFrameDuration = int(1000 * _BED_SECONDS)
        dataset.DecayFactor = _ds(2.0 ** ((bed_s + frame_s) / half_life_s))
        # Image Index counts slices within the series from 1.
        dataset.ImageIndex = k + 1
        yield dataset


def ct_datasets(
    volume: Volume,
    identity: StudyIdentity,
    series: SeriesIdentity,
    *,
    scan_started_at: datetime | None = None,
) -> Iterator[Dataset]:
    """Slices of a CT volume in HU as CT Image instances. Axial volumes only (`ValueError`)."""
    if volume.units != "HU":
        raise ValueError("a volume in HU is needed")
    _check_axial(volume)
    started = (scan_started_at or identity.started_at).astimezone(identity.started_at.tzinfo)
    common = _ct_common(volume, identity, series, started)
    for k, plane in enumerate(volume.array):
        moment = started + timedelta(seconds=0.03 * k)
        dataset = _instance(common, volume, k, moment)
        stored = np.clip(np.rint(plane.astype(np.float64)) + 1024, 0, 4095).astype("<u2")
        dataset.RescaleIntercept, dataset.RescaleSlope = "-1024", "1"
        _set_pixels(dataset, stored.tobytes(), bits=12, signed=False)
        yield dataset


def write_pet_series(
    folder: Path,
    volume: Volume,
    identity: StudyIdentity,
    administration: Administration,
    series: SeriesIdentity,
    *,
    scan_started_at: datetime | None = None,
) -> list[Path]:
    """Write `pet_datasets` as files PT0001.dcm … into an existing folder; their paths."""
    datasets = pet_datasets(
        volume, identity, administration, series, scan_started_at=scan_started_at
    )
    return [_write(folder, f"PT{n:04d}.dcm", one) for n, one in enumerate(datasets, start=1)]


def write_ct_series(
    folder: Path,
    volume: Volume,
    identity: StudyIdentity,
    series: SeriesIdentity,
    *,
    scan_started_at: datetime | None = None,
) -> list[Path]:
    """Write `ct_datasets` as files CT0001.dcm … into an existing folder; their paths."""
    datasets = ct_datasets(volume, identity, series, scan_started_at=scan_started_at)
    return [_write(folder, f"CT{n:04d}.dcm", one) for n, one in enumerate(datasets, start=1)]


def _write(folder: Path, name: str, dataset: Dataset) -> Path:
    path = folder / name
    dataset.save_as(path, enforce_file_format=True)
    return path


def _check_axial(volume: Volume) -> None:
    directions = volume.ijk_to_lps[:3, :3] / np.array(volume.spacing_mm)
    if not np.allclose(directions, np.eye(3), atol=1e-6):
        raise ValueError("only axial volumes with i to the left, j to the back, k up are written")


def _pet_common(
    volume: Volume,
    identity: StudyIdentity,
    administration: Administration,
    series: SeriesIdentity,
    started: datetime,
) -> Dataset:
    common = _common(volume, identity, series, started, PositronEmissionTomographyImageStorage)
    common.Modality = "PT"
    common.ImageType = ["ORIGINAL", "PRIMARY"]
    common.ManufacturerModelName = "FDG whole body PET"
    # Instead of Patient Position, which the standard forbids beside these.
    common.PatientOrientationCodeSequence = Sequence([_code("102538003", "SCT", "recumbent")])
    common.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence = Sequence(
        [_code("40199007", "SCT", "supine")]
    )
    common.PatientGantryRelationshipCodeSequence = Sequence(
        [_code("102540008", "SCT", "headfirst")]
    )
    common.Units = "BQML"
    common.CountsSource = "EMISSION"
    common.SeriesType = ["WHOLE BODY", "IMAGE"]
    common.NumberOfSlices = len(volume.array)
    common.CorrectedImage = ["NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"]
    common.RandomsCorrectionMethod = "DLYD"
    common.AttenuationCorrectionMethod = "CT-derived mu-map"
    common.ScatterCorrectionMethod = "simulated"
    common.DecayCorrection = "START"
    common.ReconstructionMethod = "generated phantom, no reconstruction"
    common.ConvolutionKernel = "Gaussian 5.5 mm"
    common.CollimatorType = "NONE"
    common.FieldOfViewShape = "CYLINDRICAL RING"
    common.ReconstructionDiameter = _ds(volume.shape_ijk[0] * volume.spacing_mm[0])
    common.TypeOfDetectorMotion = "NONE"
    common.RadiopharmaceuticalInformationSequence = Sequence(
        [_radiopharmaceutical(administration, started)]
    )
    common.EnergyWindowRangeSequence = Sequence([Dataset()])
    common.EnergyWindowRangeSequence[0].EnergyWindowLowerLimit = "435"
    common.EnergyWindowRangeSequence[0].EnergyWindowUpperLimit = "650"
    return common


def _radiopharmaceutical(administration: Administration, started: datetime) -> Dataset:
    row = nuclide(administration.radionuclide)
    injected = administration.injected_at.astimezone(started.tzinfo)
    item = Dataset()
    item.Radiopharmaceutical = administration.radiopharmaceutical
    item.RadiopharmaceuticalRoute = "INTRAVENOUS"
    item.RadiopharmaceuticalStartTime = injected.strftime("%H%M%S.%f")
    item.RadiopharmaceuticalStartDateTime = injected.strftime("%Y%m%d%H%M%S.%f")
    # Becquerel in PET; NM and enhanced PET state megabecquerel in the same attribute.
    item.RadionuclideTotalDose = _ds(administration.activity_bq)
    item.RadionuclideHalfLife = _ds(row.half_life_s)
    item.RadionuclidePositronFraction = _ds(administration.positron_fraction)
    element, mass = row.name_en.split("-")
    item.RadionuclideCodeSequence = Sequence([_code(row.sct_code, "SCT", f"^{mass}^{element}")])
    item.RadiopharmaceuticalCodeSequence = Sequence(
        [_code(*administration.radiopharmaceutical_code)]
    )
    item.AdministrationRouteCodeSequence = Sequence([_code("47625008", "SCT", "Intravenous route")])
    return item


def _ct_common(
    volume: Volume, identity: StudyIdentity, series: SeriesIdentity, started: datetime
) -> Dataset:
    common = _common(volume, identity, series, started, CTImageStorage)
    common.Modality = "CT"
    common.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    common.ManufacturerModelName = "low dose whole body CT"
    common.PatientPosition = "HFS"
    common.AcquisitionNumber = 1
    common.RescaleType = "HU"
    common.KVP = "120"
    common.XRayTubeCurrent = 60
    common.ExposureTime = 500
    common.Exposure = 30
    common.ScanOptions = "HELICAL MODE"
    common.ConvolutionKernel = "STANDARD"
    common.GantryDetectorTilt = "0"
    common.TableHeight = "128"
    diameter = _ds(volume.shape_ijk[0] * volume.spacing_mm[0])
    common.DataCollectionDiameter = common.ReconstructionDiameter = diameter
    common.WindowCenter, common.WindowWidth = "40", "400"
    return common


def _common(
    volume: Volume,
    identity: StudyIdentity,
    series: SeriesIdentity,
    started: datetime,
    sop_class: str,
) -> Dataset:
    """Attributes that all instances of a series share, by module."""
    common = Dataset()
    common.SpecificCharacterSet = _CHARACTER_SET
    common.SOPClassUID = sop_class
    common.TimezoneOffsetFromUTC = started.strftime("%z")
    _set_patient(common, identity)
    _set_study(common, identity)
    common.SeriesInstanceUID = series.series_instance_uid or generate_uid()
    common.SeriesNumber = series.number
    common.SeriesDescription = series.description
    common.SeriesDate, common.SeriesTime = _date_time(started)
    common.BodyPartExamined = "WHOLEBODY"
    common.ProtocolName = series.description
    common.FrameOfReferenceUID = (
        series.frame_of_reference_uid or volume.frame_of_reference_uid or generate_uid()
    )
    common.PositionReferenceIndicator = ""
    common.Manufacturer = MANUFACTURER
    common.InstitutionName = identity.institution
    common.StationName = identity.station_name
    common.DeviceSerialNumber = "0"
    common.SoftwareVersions = "hevesy"
    common.BurnedInAnnotation = "NO"
    common.LossyImageCompression = "00"
    common.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    spacing = volume.spacing_mm
    common.PixelSpacing = [_ds(spacing[1]), _ds(spacing[0])]
    common.SliceThickness = _ds(spacing[2])
    common.SpacingBetweenSlices = _ds(spacing[2])
    common.SamplesPerPixel = 1
    common.PhotometricInterpretation = "MONOCHROME2"
    common.Rows, common.Columns = volume.shape_ijk[1], volume.shape_ijk[0]
    return common


def _set_patient(common: Dataset, identity: StudyIdentity) -> None:
    common.PatientName = identity.patient_name
    common.PatientID = identity.patient_id
    common.PatientSex = identity.patient_sex
    born = identity.patient_birth_date
    common.PatientBirthDate = born.strftime("%Y%m%d") if born else ""
    if born:
        today = identity.started_at.date()
        years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        common.PatientAge = f"{max(0, years):03d}Y"
    if identity.weight_kg:
        common.PatientWeight = _ds(identity.weight_kg)
    if identity.height_m:
        common.PatientSize = _ds(identity.height_m)


def _set_study(common: Dataset, identity: StudyIdentity) -> None:
    common.StudyInstanceUID = identity.study_instance_uid
    common.StudyDate, common.StudyTime = _date_time(identity.started_at)
    common.StudyID = identity.study_id
    common.AccessionNumber = identity.accession_number
    common.StudyDescription = identity.study_description
    common.ReferringPhysicianName = identity.referring_physician
    common.OperatorsName = identity.operator
    if identity.requested_procedure_id or identity.scheduled_step_id:
        request = Dataset()
        if identity.requested_procedure_id:
            request.RequestedProcedureID = identity.requested_procedure_id
        if identity.scheduled_step_id:
            request.ScheduledProcedureStepID = identity.scheduled_step_id
        common.RequestAttributesSequence = Sequence([request])


def _instance(common: Dataset, volume: Volume, k: int, acquired_at: datetime) -> Dataset:
    """A data set of its own for slice k, with file meta information."""
    dataset = Dataset()
    dataset.update(common)
    uid = generate_uid(entropy_srcs=[str(common.SeriesInstanceUID), str(k)])
    dataset.SOPInstanceUID = uid
    dataset.InstanceNumber = k + 1
    dataset.AcquisitionDate, dataset.AcquisitionTime = _date_time(acquired_at)
    dataset.ContentDate, dataset.ContentTime = _date_time(acquired_at)
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = _date_time(acquired_at)
    position = volume.world((0, 0, k))
    dataset.ImagePositionPatient = [_ds(x) for x in position]
    dataset.SliceLocation = _ds(position[2])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = common.SOPClassUID
    meta.MediaStorageSOPInstanceUID = uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    return dataset


def _set_pixels(dataset: Dataset, pixels: bytes, *, bits: int, signed: bool) -> None:
    dataset.BitsAllocated = 16
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    dataset.PixelRepresentation = int(signed)
    dataset.PixelData = pixels
    dataset["PixelData"].VR = "OW"


def _ds(number: float | Decimal) -> str:
    """Decimal string of at most 16 characters; takes the whole and `Decimal` numbers of records."""
    return str(format_number_as_ds(float(number)))


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _date_time(moment: datetime) -> tuple[Any, Any]:
    return moment.strftime("%Y%m%d"), moment.strftime("%H%M%S.%f")
