"""A DICOM series to a `Volume`.

Nothing is repaired in silence: what was left out, filled, assumed or uneven is a `Finding` of the
volume; what would put voxels in the wrong place is refused (`ImageRefused`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydicom.dataset import Dataset

from hevesy.imaging.dicomio.frames import PlacedFrame, placed_frames
from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS, Limits, checked_format, read_dataset
from hevesy.imaging.dicomio.headers import find, real_world_value
from hevesy.imaging.dicomio.refusal import ImageRefused, refusing_what_pydicom_cannot_parse
from hevesy.imaging.dicomio.stack import SeriesDescription, assembled, fit_int16, grid_of
from hevesy.imaging.geometry import Finding, Volume


def read_series(
    sources: Iterable[str | Path | Dataset], *, limits: Limits = DEFAULT_LIMITS
) -> Volume:
    """Read the instances of one series into a volume, in any order.

    Classic CT, MR and PET slices, NM RECON TOMO and enhanced multi-frame objects. Each slice is
    scaled with its own Rescale Slope and Intercept; slices are sorted along the slice normal, so
    that k always grows along row x column. Where images repeat a position the earliest is taken
    and the others are told; `read_phases` reads them all. Raises `ImageRefused` naming the reason.
    """
    frames, described = collected(sources, limits=limits)
    grid = grid_of(frames)
    chosen = [found[0] for found in grid.positions]
    surplus = sum(len(found) - 1 for found in grid.positions)
    findings = []
    if surplus:
        findings.append(
            Finding(
                "several_per_position",
                f"{surplus} images repeat a position (time frames, gates or duplicates); the"
                " earliest of each position is shown.",
                f"有 {surplus} 幅图像位置重复（时间帧、门控或重复图像），每个位置只取最早的一幅。",
                {"left_out": surplus, "positions": len(chosen)},
            )
        )
    return assembled(grid, chosen, described, findings, whole_numbers=fit_int16(chosen))


def collected(
    sources: Iterable[str | Path | Dataset], *, limits: Limits = DEFAULT_LIMITS
) -> tuple[list[PlacedFrame], SeriesDescription]:
    """All frames of the instances of one series. Raises `ImageRefused` for what does not belong."""
    described: SeriesDescription | None = None
    frames: list[PlacedFrame] = []
    decoded = 0
    for source in sources:
        with refusing_what_pydicom_cannot_parse():
            dataset = source if isinstance(source, Dataset) else read_dataset(source, limits=limits)
            decoded += checked_format(dataset, limits=limits).decoded_bytes
            if decoded > limits.decoded_bytes:
                raise ImageRefused("too_many_pixels", f"{decoded} bytes in the series")
            own = _describe(dataset)
            frames += placed_frames(dataset, limits=limits)
        if described is None:
            described = own
        elif own.series_instance_uid != described.series_instance_uid:
            raise ImageRefused("several_series")
        elif own.frame_of_reference_uid != described.frame_of_reference_uid:
            raise ImageRefused("bad_geometry", "several frames of reference")
        elif own.units != described.units:
            raise ImageRefused("bad_pixel_attributes", "several units")
    if described is None:
        raise ImageRefused("no_images")
    return frames, described


def require_whole(volume: Volume) -> None:
    """Raise `ImageRefused` where volumes in mL or maxima of the body would be wrong.

    `missing_slices` for gaps inside the stack, `single_slice` for a stack of one.
    """
    for finding in volume.findings:
        if finding.key in ("missing_slices", "single_slice"):
            raise ImageRefused(finding.key, str(dict(finding.values)))


def _describe(dataset: Dataset) -> SeriesDescription:
    modality = str(dataset.get("Modality") or "")
    return SeriesDescription(
        series_instance_uid=str(dataset.get("SeriesInstanceUID") or ""),
        study_instance_uid=str(dataset.get("StudyInstanceUID") or ""),
        frame_of_reference_uid=str(dataset.get("FrameOfReferenceUID") or ""),
        modality=modality,
        units=_units(dataset, modality),
        description=str(dataset.get("SeriesDescription") or ""),
    )


def _units(dataset: Dataset, modality: str) -> str:
    meant = real_world_value(dataset)
    if meant is not None:
        return meant.units
    stated = str(find(dataset, "Units") or find(dataset, "RescaleType") or "").strip().upper()
    if stated and stated != "US":
        return stated
    return {"CT": "HU", "NM": "CNTS"}.get(modality, "US")
