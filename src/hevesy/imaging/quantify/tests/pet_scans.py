"""PET series made from the SUV they hold, by the definition and not by the code under test."""

from datetime import datetime, timedelta

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage, generate_uid

SHORT = "%Y%m%d"
CLOCK = "%H%M%S.%f"


class PetScan:
    """One examination: who, what was injected when, and the clock of the scanner."""

    def __init__(self, **changes):
        self.weight_kg, self.height_m, self.sex = 70.0, 1.75, "O"
        self.dose_bq, self.half_life_s = 368.08e6, 6586.2
        self.injected = datetime(2025, 1, 1, 10)  # noqa: DTZ001 (a scanner's wall clock)
        self.reference = datetime(2025, 1, 1, 11)  # noqa: DTZ001
        self.frame_s = 300.0
        self.__dict__.update(changes)

    def bq_per_ml(self, suv, at=None):
        """Concentration that has this SUV, at a time; None: as if nothing had decayed."""
        elapsed_s = 0.0 if at is None else (at - self.injected).total_seconds()
        return suv * self.dose_bq * 2 ** (-elapsed_s / self.half_life_s) / (1000 * self.weight_kg)

    def mean_activity_s(self):
        """Seconds into a frame at which activity equals its mean: by summing the decay."""
        t = (np.arange(200_000) + 0.5) * self.frame_s / 200_000
        return -self.half_life_s * np.log2(np.mean(2 ** (-t / self.half_life_s)))

    def written(
        self,
        values,
        *,
        slopes=None,
        acquired=None,
        series=None,
        injection="both",
        correction="START",
        **attributes,
    ):
        """Data sets whose rescaled values are `values` [k, j, i], rounded to the stored unit.

        slopes: one per slice, by default fine enough to store 30 000 levels.
        """
        values = np.asarray(values, dtype=np.float64)
        slopes = (
            [max(float(plane.max()), 1e-9) / 30_000 for plane in values]
            if slopes is None
            else slopes
        )
        acquired = [self.reference] * len(values) if acquired is None else acquired
        series = self.reference if series is None else series
        uid = generate_uid()
        made = []
        for k, plane in enumerate(values):
            dataset = Dataset()
            dataset.file_meta = FileMetaDataset()
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.SOPClassUID = PositronEmissionTomographyImageStorage
            dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
            dataset.SOPInstanceUID = generate_uid()
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            dataset.SeriesInstanceUID, dataset.Modality = uid, "PT"
            dataset.PatientWeight, dataset.PatientSize = self.weight_kg, self.height_m
            dataset.PatientSex = self.sex
            dataset.SeriesDate, dataset.SeriesTime = series.strftime(SHORT), series.strftime(CLOCK)
            dataset.AcquisitionDate = acquired[k].strftime(SHORT)
            dataset.AcquisitionTime = acquired[k].strftime(CLOCK)
            dataset.ActualFrameDuration = round(self.frame_s * 1000)
            dataset.Units, dataset.DecayCorrection = "BQML", correction
            dataset.CorrectedImage = ["NORM", "ATTN"] + ([] if correction == "NONE" else ["DECY"])
            drug = Dataset()
            drug.RadionuclideTotalDose = self.dose_bq
            drug.RadionuclideHalfLife = self.half_life_s
            if injection in ("both", "datetime"):
                drug.RadiopharmaceuticalStartDateTime = self.injected.strftime("%Y%m%d%H%M%S.%f")
            if injection in ("both", "time"):
                drug.RadiopharmaceuticalStartTime = self.injected.strftime(CLOCK)
            dataset.RadiopharmaceuticalInformationSequence = [drug]
            dataset.Rows, dataset.Columns = plane.shape
            dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
            dataset.BitsAllocated = dataset.BitsStored = 16
            dataset.HighBit, dataset.PixelRepresentation = 15, 0
            dataset.PixelSpacing, dataset.SliceThickness = [4, 4], 4
            dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
            dataset.ImagePositionPatient = [0, 0, 4 * k]
            dataset.RescaleSlope, dataset.RescaleIntercept = f"{slopes[k]:.10g}", 0
            stored = np.rint(plane / float(dataset.RescaleSlope))
            dataset.PixelData = stored.astype("<u2").tobytes()
            for keyword, value in attributes.items():
                if keyword.startswith("philips"):
                    block = dataset.private_block(0x7053, "Philips PET Private Group", create=True)
                    block.add_new(
                        {"philips_suv": 0x00, "philips_activity": 0x09}[keyword], "DS", value
                    )
                elif value is None:
                    delattr(dataset, keyword)
                else:
                    setattr(dataset, keyword, value)
            made.append(dataset)
        return made

    def later(self, seconds):
        """A moment after the reference time."""
        return self.reference + timedelta(seconds=seconds)
