"""The form in which volumes travel to a viewer: `hevesy-volume/1`.

Described for other programs in docs/guides/volume-transport.md. A header (JSON) and binary bodies
of little-endian int16. Addresses are the caller's: each body has a `path` here ("preview/0",
"full/3", "mip", "mip-depth").
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.suv import SuvFactor
from hevesy.imaging.render.slices import SUV_WINDOW, default_window

if TYPE_CHECKING:
    from hevesy.imaging.render.mip import RotatingMip

FORMAT: Final = "hevesy-volume/1"
_PREVIEW_BYTES: Final = 5 << 18
_BRICK_BYTES: Final = 4 << 20
_PREVIEW_BINS: Final = (
    (2, 2, 1),
    (2, 2, 2),
    (4, 4, 2),
    (4, 4, 4),
    (8, 8, 4),
    (8, 8, 8),
    (16, 16, 16),
)
_DEPTH_SLOPE_MM: Final = 0.1

Stored = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class PackedVolume:
    """A header and the bodies it describes, by path. Bodies are uncompressed."""

    header: dict[str, Any]
    bodies: Mapping[str, memoryview]

    def write(self, folder: Path) -> None:
        """Write header.json and one file per body, "full/3" as "full-3.i16", into `folder`."""
        for path, body in self.bodies.items():
            (folder / body_file_name(path)).write_bytes(body)
        text = json.dumps(self.header, ensure_ascii=False, allow_nan=False)
        (folder / "header.json").write_text(text, encoding="utf-8")


def body_file_name(path: str) -> str:
    """File name of a body that `PackedVolume.write` wrote."""
    return path.replace("/", "-") + ".i16"


def pack_volume(
    volume: Volume, suv: SuvFactor | None = None, *, mip: bool | None = None
) -> PackedVolume:
    """Quantise, bin and cut a volume for transport.

    Integer values within int16 travel unchanged. Others are quantised with one slope so that the
    value of largest size is exact and every other is off by at most half a slope, 1/65534 of it.
    Where slices have SUV factors of their own, values are first brought to the reference time of
    the first slice, so that value * bw_factor is SUVbw everywhere. mip: whether to add the
    rotating MIP; by default for PET and reconstructed NM of 16 slices and more.
    """
    usable = suv if suv is not None and suv.per_slice else None
    if usable is not None and usable.varies:
        volume = _at_one_reference_time(volume, usable)
    stored, slope = quantised(volume.array)
    bodies: dict[str, memoryview] = {}
    preview = volume.binned(_preview_bins(volume.shape_ijk))
    levels = [
        _level("preview", preview, _with_slope(preview.array, slope), bodies),
        _level("full", volume, stored, bodies),
    ]
    if mip is None:
        mip = volume.modality in ("PT", "NM") and len(volume.array) >= 16
    cine = None
    if mip:
        # Here, because the web server imports this module at start-up and compiles nothing.
        from hevesy.imaging.render.mip import rotating_mip

        factor = usable.per_slice[0] if usable else 1.0
        cine = _pack_mip(rotating_mip(volume), factor, "SUVbw" if usable else "", bodies)
    header = {
        "format": FORMAT,
        "id": "",
        "series_instance_uid": volume.series_instance_uid,
        "frame_of_reference_uid": volume.frame_of_reference_uid,
        "modality": volume.modality,
        "units": volume.units,
        "description": volume.description,
        "ijk_to_lps": _matrix(volume),
        "slope": slope,
        "intercept": 0.0,
        "value_range": list(volume.value_range),
        "suv": suv.as_json() if suv is not None else None,
        "default_window": _default_window(volume, usable),
        "findings": [
            {
                "key": finding.key,
                "text_en": finding.text_en,
                "text_zh": finding.text_zh,
                "values": dict(finding.values),
            }
            for finding in volume.findings
        ],
        "levels": levels,
        "mip": cine,
    }
    # The address of a volume follows from its content, so whatever changes gets a new address.
    canonical = json.dumps(header, sort_keys=True, ensure_ascii=True, allow_nan=False)
    header["id"] = hashlib.sha256(canonical.encode()).hexdigest()[:32]
    return PackedVolume(header, bodies)


def quantised(values: npt.NDArray[Any]) -> tuple[Stored, float]:
    """Int16 values and the slope that restores them: value = stored * slope."""
    if values.dtype == np.int16:
        return np.ascontiguousarray(values), 1.0
    if values.dtype.kind in "iu" and values.min() >= -32768 and values.max() <= 32767:
        return np.ascontiguousarray(values, dtype=np.int16), 1.0
    largest = max(float(values.max()), -float(values.min()))
    if not np.isfinite(largest):
        raise ValueError("values that are not finite cannot be transported")
    slope = largest / 32767.0 if largest > 0 else 1.0
    return _with_slope(values, slope), slope


def unpacked(packed: PackedVolume, level: str = "full") -> npt.NDArray[np.float64]:
    """Values [k, j, i] in units as a viewer restores them; for tests and other programs."""
    header = packed.header
    wanted = next(one for one in header["levels"] if one["name"] == level)
    ni, nj, nk = wanted["shape"]
    stored = np.concatenate(
        [np.frombuffer(packed.bodies[brick["path"]], dtype="<i2") for brick in wanted["bricks"]]
    ).reshape(nk, nj, ni)
    return np.asarray(stored * float(header["slope"]) + float(header["intercept"]))


def _with_slope(values: npt.NDArray[Any], slope: float) -> Stored:
    stored = np.empty(values.shape, dtype=np.int16)
    for k, plane in enumerate(values):
        stored[k] = np.clip(np.rint(plane.astype(np.float64) / slope), -32768, 32767)
    return stored


def _at_one_reference_time(volume: Volume, suv: SuvFactor) -> Volume:
    ratio = np.asarray(suv.per_slice) / suv.per_slice[0]
    values = (volume.array * ratio[:, None, None]).astype(np.float32)
    return volume.with_values(values, units=volume.units)


def _preview_bins(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    for bins in _PREVIEW_BINS:
        voxels = np.prod([max(1, n // f) for n, f in zip(shape, bins, strict=True)])
        if 2 * voxels <= _PREVIEW_BYTES:
            return bins
    return _PREVIEW_BINS[-1]


def _level(
    name: str, volume: Volume, stored: Stored, bodies: dict[str, memoryview]
) -> dict[str, Any]:
    slices_per_brick = max(1, _BRICK_BYTES // max(1, stored[0].nbytes))
    bricks = []
    for number, k0 in enumerate(range(0, len(stored), slices_per_brick)):
        path = f"{name}/{number}"
        part = stored[k0 : k0 + slices_per_brick]
        bodies[path] = _bytes(part)
        bricks.append({"k0": k0, "k1": k0 + len(part), **_described(path, bodies[path])})
    return {
        "name": name,
        "shape": list(volume.shape_ijk),
        "ijk_to_lps": _matrix(volume),
        "bricks": bricks,
    }


def _pack_mip(
    cine: RotatingMip, factor: float, units: str, bodies: dict[str, memoryview]
) -> dict[str, Any]:
    frames, height, width = cine.values.shape
    stored, slope = quantised(cine.values)
    depth = _with_slope(cine.depth_mm, _DEPTH_SLOPE_MM)
    bodies["mip"], bodies["mip-depth"] = _bytes(stored), _bytes(depth)
    values, depths = (_described(path, bodies[path]) for path in ("mip", "mip-depth"))
    return {
        "frames": frames,
        "shape": [width, height],
        "degrees_per_frame": cine.degrees_per_frame,
        "spacing_mm": cine.spacing_mm,
        "centre_lps": list(cine.centre_lps),
        "axis": "LPS z up",
        "units": units or cine.units,
        "slope": slope * factor,
        "intercept": 0.0,
        **values,
        "depth_path": depths["path"],
        "depth_sha256": depths["sha256"],
        "depth_slope_mm": _DEPTH_SLOPE_MM,
        "depth_intercept_mm": 0.0,
    }


def _default_window(volume: Volume, suv: SuvFactor | None) -> list[float]:
    return list(SUV_WINDOW if suv is not None else default_window(volume))


def _described(path: str, body: memoryview) -> dict[str, Any]:
    return {"path": path, "bytes": body.nbytes, "sha256": hashlib.sha256(body).hexdigest()}


def _bytes(stored: Stored) -> memoryview:
    if sys.byteorder == "big":
        stored = stored.astype("<i2")
    return np.ascontiguousarray(stored).data.cast("B")


def _matrix(volume: Volume) -> list[float]:
    return [float(x) for x in volume.ijk_to_lps.reshape(-1)]
