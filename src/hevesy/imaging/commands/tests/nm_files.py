"""Gamma camera files of the phantoms, as small as the reader allows."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from hevesy.imaging.dicomio.planar import NM_IMAGE_STORAGE


def write_nm(path: Path, views, *, kind="DYNAMIC", duration_s=(), slot_s=None) -> Path:
    """Write frames of each view (name to frames); durations of consecutive frames as phases."""
    stack = np.concatenate(list(views.values()))
    count, per_view = len(stack), len(next(iter(views.values())))
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = NM_IMAGE_STORAGE
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
    data.Modality, data.ImageType = "NM", ["ORIGINAL", "PRIMARY", kind, "EMISSION"]
    data.Rows, data.Columns, data.NumberOfFrames = stack.shape[1], stack.shape[2], count
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    data.PixelSpacing = [4.0, 4.0]
    data.EnergyWindowVector = [1] * count
    data.DetectorVector = [index + 1 for index, _ in enumerate(views) for _ in range(per_view)]
    data.DetectorInformationSequence = [_detector(name) for name in views]
    drug, code = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "C-163A8", "SRT", "Tc-99m"
    drug.RadionuclideCodeSequence = [code]
    data.RadiopharmaceuticalInformationSequence = [drug]
    if kind == "DYNAMIC":
        runs = _runs(duration_s)
        phases = [n + 1 for n, (_, length) in enumerate(runs) for _ in range(length)]
        data.PhaseVector = phases * len(views)
        data.TimeSliceVector = [k + 1 for _, n in runs for k in range(n)] * len(views)
        data.PhaseInformationSequence = [_phase(one, length) for one, length in runs]
    elif kind == "GATED":
        data.RRIntervalVector = [1] * count
        data.TimeSlotVector = list(range(1, per_view + 1)) * len(views)
        gate, acquisition = Dataset(), Dataset()
        gate.FrameTime = 1000.0 * slot_s
        acquisition.DataInformationSequence = [gate]
        data.GatedInformationSequence = [acquisition]
    else:
        data.ActualFrameDuration = round(1000 * duration_s[0])
    data.PixelData = np.rint(stack).astype("<u2").tobytes()
    data.save_as(path, enforce_file_format=True)
    return path


def _runs(durations):
    runs = []
    for one in durations:
        if runs and runs[-1][0] == one:
            runs[-1][1] += 1
        else:
            runs.append([one, 1])
    return runs


def _phase(duration_s, frames):
    phase = Dataset()
    phase.ActualFrameDuration, phase.NumberOfFramesInPhase = round(1000 * duration_s), frames
    phase.PhaseDelay = phase.PauseBetweenFrames = 0
    return phase


def _detector(view):
    detector, code = Dataset(), Dataset()
    code.CodeValue = {"anterior": "R-10206", "posterior": "R-10214"}[view]
    code.CodingSchemeDesignator, code.CodeMeaning = "SRT", view
    detector.ViewCodeSequence = [code]
    return detector
