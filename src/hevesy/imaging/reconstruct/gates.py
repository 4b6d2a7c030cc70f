"""Gated reconstructions: every gate of a RECON GATED TOMO object, and their sum."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from hevesy.imaging.dicomio import camera
from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS, Limits, read_dataset
from hevesy.imaging.dicomio.pixels import decode_frames
from hevesy.imaging.dicomio.refusal import ImageRefused, refusing_what_pydicom_cannot_parse
from hevesy.imaging.dicomio.series import read_series
from hevesy.imaging.geometry import Volume


def read_gates(source: str | Path | Dataset, *, limits: Limits = DEFAULT_LIMITS) -> list[Volume]:
    """One volume per R-R interval and time slot, in that order; one in all where nothing is gated.

    Raises `ImageRefused`: bad_geometry where the vectors do not fit the frames, and whatever
    `read_series` refuses.
    """
    dataset = source if isinstance(source, Dataset) else read_dataset(source, limits=limits)
    with refusing_what_pydicom_cannot_parse():
        count = camera.whole(dataset, "NumberOfFrames") or 1
        slots, beats, places = (
            camera.numbers(dataset, keyword) or (1.0,) * count
            for keyword in ("TimeSlotVector", "RRIntervalVector", "SliceVector")
        )
        if {len(slots), len(beats), len(places)} != {count}:
            raise ImageRefused("bad_geometry", f"frame vectors for {count} frames")
        gates: dict[tuple[float, float], list[int]] = {}
        for frame, gate in enumerate(zip(beats, slots, strict=True)):
            gates.setdefault(gate, []).append(frame)
        if len(gates) == 1:
            return [read_series([dataset], limits=limits)]
        return [
            read_series([_part(dataset, gates[gate], places, limits)], limits=limits)
            for gate in sorted(gates)
        ]


def _part(
    dataset: Dataset, frames: Sequence[int], places: Sequence[float], limits: Limits
) -> Dataset:
    """The object as if it held these frames alone."""
    part = Dataset()
    # Copies: setting an attribute would otherwise change the element of the whole object.
    part.update({e.tag: deepcopy(e) for e in dataset if e.tag != 0x7FE00010})
    part.file_meta = dataset.file_meta
    part.ImageType = ["DERIVED", "PRIMARY", "RECON TOMO", "EMISSION"]
    part.NumberOfFrames = len(frames)
    part.SliceVector = [int(places[frame]) for frame in frames]
    stored = decode_frames(dataset, frames, limits=limits)
    part.PixelData = np.ascontiguousarray(stored.astype(stored.dtype.newbyteorder("<"))).tobytes()
    return part


def summed(gates: Sequence[Volume]) -> Volume:
    """The sum of gates on one grid. Raises `ValueError` for different grids or units."""
    first = gates[0]
    for volume in gates[1:]:
        same = np.allclose(volume.ijk_to_lps, first.ijk_to_lps)
        if not same or volume.array.shape != first.array.shape or volume.units != first.units:
            raise ValueError("gates lie on one grid and have one unit")
    total = np.zeros(first.array.shape)
    for volume in gates:
        total += volume.array
    return replace(first, slices=(), headers=first.headers[:1]).with_values(
        total.astype(np.float32), units=first.units
    )
