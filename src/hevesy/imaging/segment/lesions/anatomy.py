"""Anatomy by rules, without a model: enough to say where a focus lies (research 3.2, step 2).

Everything is on one grid of 4 mm along the patient's axes, [z, y, x]: x to the left, y to the
back, z to the head. The coordinate u runs along the patient: 0 vertex, 1 lung apices (base of the
neck), 2 dome of the diaphragm, 3 iliac crest, 4 pubis. What is not found is placed by the
proportions of `anatomy.toml` and told as a finding.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.components import components_of

VERSION: Final = "hevesy-anatomy/1"
Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
GRID_MM: Final = 4.0
LANDMARKS: Final = ("vertex", "neck", "dome", "crest", "pubis")
_NAMES: Final = {
    "vertex": ("vertex", "颅顶"),
    "neck": ("lung apex", "肺尖"),
    "dome": ("dome of the diaphragm", "膈顶"),
    "crest": ("iliac crest", "髂嵴"),
    "pubis": ("pubic symphysis", "耻骨联合"),
}
_BODY_SUV: Final = 0.15
# A scan whose highest layer shows more of the head than this begins below the vertex.
_CUT_HEAD_MM2: Final = 6000.0
_GROW_BACK: Final = 6
_VOXEL_ML: Final = GRID_MM**3 / 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """Masks [z, y, x] on the grid of `pet`; hu is None without CT, and then the others are empty.

    spine_x, spine_y: LPS mm per layer. landmarks: LPS z in mm; `seen`: those the images show.
    """

    pet: Volume
    hu: Array | None
    body: Bools
    lungs: Bools
    bone: Bools
    gas: Bools
    spine_x: Array
    spine_y: Array
    landmarks: Mapping[str, float]
    seen: frozenset[str]
    findings: tuple[Finding, ...]

    def u(self, z: npt.ArrayLike) -> Array:
        """Patient coordinate of heights in mm; beyond the ends it goes on as between them."""
        heights = np.array([self.landmarks[name] for name in LANDMARKS])
        z = np.asarray(z, dtype=np.float64)
        inner = np.interp(-z, -heights, np.arange(5.0))
        above = (heights[0] - z) / (heights[0] - heights[1])
        below = 4.0 + (heights[4] - z) / (heights[3] - heights[4])
        return np.asarray(np.where(z > heights[0], above, np.where(z < heights[4], below, inner)))

    def layer(self, z: npt.ArrayLike) -> Array:
        """Nearest layer of the grid for heights in mm."""
        first = self.pet.ijk_to_lps[2, 3]
        near = np.rint((np.asarray(z) - first) / GRID_MM).astype(int)
        return np.asarray(np.clip(near, 0, len(self.body) - 1))

    def nearest(self, z: float) -> tuple[str, str, float]:
        """Name (English, Chinese) of the nearest landmark, and how many mm it is above it."""
        name = min(LANDMARKS, key=lambda one: abs(self.landmarks[one] - z))
        return *_NAMES[name], z - self.landmarks[name]


def anatomy(pet: Volume, ct: Volume | None = None) -> Anatomy:
    """Find body, lungs, bones, spine and landmarks. pet in SUV, ct in HU, any orientation.

    Raises `Refused` for another frame of reference, or a PET without a body.
    """
    if ct is not None and (
        pet.frame_of_reference_uid
        and ct.frame_of_reference_uid
        and pet.frame_of_reference_uid != ct.frame_of_reference_uid
    ):
        raise Refused(
            "other_frame_of_reference",
            "PET and CT have different frames of reference; register them first.",
            "PET 与 CT 的参考坐标系不同，请先配准。",
        )
    grid = _grid(pet)
    if ct is None:
        return _from_pet(grid)
    found = _from_ct(grid, _resampled(ct, grid, outside=-1024.0))
    if found is not None:
        return found
    without = _from_pet(grid)
    note = Finding(
        "no_lungs_on_ct",
        "The CT shows no lungs; places are judged from the PET alone.",
        "CT 未见肺部，仅依据 PET 判断部位。",
    )
    return replace(without, findings=(note, *without.findings))


def _grid(pet: Volume) -> Volume:
    """The PET at 4 mm along the patient's axes, cut to where there is uptake."""
    thinned = pet.array[::2, ::2, ::2] > _BODY_SUV
    if np.count_nonzero(thinned) < 8:
        raise Refused(
            "no_body",
            "The PET holds no body; check that it is in SUV and the right series.",
            "PET 图像中没有人体，请检查是否为 SUV 图像及序列是否正确。",
        )
    ends = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        # Single bright voxels in air do not make a body.
        where = np.flatnonzero(thinned.sum(axis=others) > 4)
        where = where if where.size else np.array([0, thinned.shape[axis] - 1])
        ends.append((2.0 * where[0] - 2.0, 2.0 * where[-1] + 2.0))
    corners = np.array(np.meshgrid(*ends[::-1], indexing="ij")).reshape(3, 8).T
    low, high = (pick(pet.world(corners), axis=0) for pick in (np.min, np.max))
    # On whole multiples, so that the order in which slices are stored moves nothing.
    low = np.floor(low / GRID_MM) * GRID_MM
    shape = np.ceil((high - low) / GRID_MM).astype(int) + 1
    affine = np.diag([GRID_MM, GRID_MM, GRID_MM, 1.0])
    affine[:3, 3] = low
    empty = np.broadcast_to(np.float32(0), tuple(shape[::-1]))
    frame = replace(pet, array=empty, ijk_to_lps=affine, slices=(), headers=())
    return replace(frame, array=_resampled(pet, frame, outside=0.0))


def _resampled(volume: Volume, grid: Volume, *, outside: float) -> Array:
    from scipy.ndimage import affine_transform

    matrix = volume.lps_to_ijk @ grid.ijk_to_lps
    step, shift = matrix[:3, :3][::-1, ::-1], matrix[:3, 3][::-1]
    straight = np.abs(step - np.diag(np.diag(step))).max() < 1e-9
    values = affine_transform(
        volume.array,
        np.diag(step) if straight else step,
        shift,
        output_shape=grid.array.shape,
        output=np.float32,
        order=1,
        cval=outside,
    )
    return np.asarray(values)


def _from_ct(grid: Volume, hu: Array) -> Anatomy | None:
    body = _body(hu > -300.0)
    if body is None:
        return None
    air = body & (hu < -400.0)
    gas_parts = components_of(air, hu, connectivity=6)
    ml = gas_parts.count * _VOXEL_ML
    if not len(ml) or ml.max() < 600.0:
        return None
    large = np.argsort(-ml, kind="stable")[:2]
    chosen = np.zeros(len(ml), dtype=np.bool_)
    chosen[large[ml[large] >= 0.2 * ml.max()]] = True
    lungs = gas_parts.select(chosen).label_volume() > 0
    x0, y0, z0 = grid.ijk_to_lps[:3, 3]
    z = z0 + GRID_MM * np.arange(len(hu))
    bone = body & (hu > 200.0)
    spine_x, spine_y = _spine(body, bone, x0, y0)
    across = np.abs(x0 + GRID_MM * np.arange(hu.shape[2]) - spine_x[:, None])[:, None, :]
    # The windpipe runs along the midline and would lift the apices to the larynx.
    area = np.count_nonzero(lungs & (across > 20.0), axis=(1, 2)) * GRID_MM**2
    chest = np.flatnonzero(area > 200.0)
    if len(chest) < 20:
        return None
    widest = chest[0] + int(np.argmax(area[chest[0] : chest[-1] + 1]))
    low = np.flatnonzero(area[: widest + 1] < 0.5 * area[widest])
    seen = {"neck": z[chest[-1]], "dome": z[low[-1]] if low.size else z[chest[0]]}
    seen |= _vertex(body, z, seen["neck"])
    ahead = (spine_y[:, None] - (y0 + GRID_MM * np.arange(hu.shape[1])))[:, :, None]
    seen |= _pelvis(bone, across, ahead, z, seen["dome"])
    landmarks, findings = _completed(seen)
    return Anatomy(
        pet=grid, hu=hu, body=body, lungs=lungs, bone=bone, gas=air & ~lungs,
        spine_x=spine_x, spine_y=spine_y, landmarks=landmarks, seen=frozenset(seen),
        findings=findings,
    )  # fmt: skip


def _from_pet(grid: Volume) -> Anatomy:
    """Landmarks from the outline of the uptake, the brain's height and the bladder's."""
    body = _body(grid.array > _BODY_SUV)
    if body is None:
        body = grid.array > _BODY_SUV
    none = np.zeros(body.shape, dtype=np.bool_)
    x0, y0, z0 = grid.ijk_to_lps[:3, 3]
    z = z0 + GRID_MM * np.arange(len(body))
    spine_x, spine_y = _spine(body, none, x0, y0)
    across = np.abs(x0 + GRID_MM * np.arange(body.shape[2]) - spine_x[:, None])[:, None, :]
    area = np.count_nonzero(body, axis=(1, 2)) * GRID_MM**2
    top = float(z[np.flatnonzero(area)[-1]])
    seen = {}
    if area[np.flatnonzero(area)[-1]] < _CUT_HEAD_MM2:
        seen["vertex"] = top
    typical = _typical()
    drop = top - z
    pelvic = (drop > 0.7 * typical["bladder"]) & (drop < 1.15 * typical["bladder"])
    hot = np.where(pelvic[:, None, None] & (across < 40.0) & body, grid.array, 0.0).max(axis=(1, 2))
    if hot.max() > 5.0:
        seen["bladder"] = float(z[int(np.argmax(hot))])
    landmarks, findings = _completed(seen or {"vertex": top})
    note = Finding(
        "places_without_ct",
        "Without CT the places are estimated from the PET's outline and the bladder.",
        "无 CT，部位由 PET 轮廓和膀胱估计。",
    )
    return Anatomy(
        pet=grid, hu=None, body=body, lungs=none, bone=none, gas=none,
        spine_x=spine_x, spine_y=spine_y, landmarks=landmarks, seen=frozenset(seen),
        findings=(note, *findings),
    )  # fmt: skip


def _body(dense: Bools) -> Bools | None:
    """Largest part after an opening of one voxel (the table goes), filled slice by slice."""
    from scipy.ndimage import binary_fill_holes

    core = _eroded(dense)
    parts = components_of(core, core.view(np.uint8), connectivity=6)
    if not len(parts):
        return None
    body = parts.select(parts.count == parts.count.max()).label_volume() > 0
    # The wall of a thin chest went too: it grows back within what is dense, the table a little.
    for _ in range(_GROW_BACK):
        body = _dilated(body) & dense
    for layer in body:
        if layer.any():
            layer[:] = binary_fill_holes(layer)
    return body


def _eroded(mask: Bools) -> Bools:
    return ~_dilated(~mask)


def _dilated(mask: Bools) -> Bools:
    """Grown by the six neighbours; by shifting, which is much faster than ndimage here."""
    grown = mask.copy()
    for axis in range(3):
        there, here = np.moveaxis(grown, axis, 0), np.moveaxis(mask, axis, 0)
        there[1:] |= here[:-1]
        there[:-1] |= here[1:]
    return grown


def _spine(body: Bools, bone: Bools, x0: float, y0: float) -> tuple[Array, Array]:
    """Middle of the bone behind the body's centre, per layer and smoothed; without bone a guess."""
    from scipy.ndimage import median_filter

    layers = len(body)
    xs, ys = (a0 + GRID_MM * np.arange(n) for a0, n in ((x0, body.shape[2]), (y0, body.shape[1])))
    of_x, of_y = body.sum(axis=1).astype(float), body.sum(axis=2).astype(float)
    total = np.maximum(of_x.sum(axis=1), 1.0)
    used = np.flatnonzero(of_x.sum(axis=1) > 0)
    middle = float(np.median((of_x @ xs / total)[used])) if used.size else float(xs.mean())
    centre_y = (of_y @ ys) / total
    back = np.full(layers, np.nan)
    for k in used:
        rows = np.flatnonzero(body[k].any(axis=1))
        back[k] = ys[rows[-1]]
    found_x, found_y = np.full(layers, np.nan), np.full(layers, np.nan)
    behind = ys[None, :] > centre_y[:, None]
    candidates = bone & (np.abs(xs - middle) < 40.0)[None, None, :] & behind[:, :, None]
    count = candidates.sum(axis=(1, 2))
    enough = count >= 12
    found_x[enough] = (candidates.sum(axis=1) @ xs)[enough] / count[enough]
    found_y[enough] = (candidates.sum(axis=2) @ ys)[enough] / count[enough]
    # Vertebral bodies are some 70 mm in front of the skin of the back.
    guess_y = np.where(np.isnan(back), centre_y, back - 70.0)
    answer = []
    for found, instead in ((found_x, np.full(layers, middle)), (found_y, guess_y)):
        good = np.flatnonzero(~np.isnan(found))
        line = np.interp(np.arange(layers), good, found[good]) if good.size > 5 else instead
        answer.append(median_filter(line, 15, mode="nearest"))
    return answer[0], answer[1]


def _vertex(body: Bools, z: Array, neck: float) -> dict[str, float]:
    """The top of the head, unless the scan begins below it."""
    area = np.count_nonzero(body, axis=(1, 2)) * GRID_MM**2
    used = np.flatnonzero(area > 400.0)
    whole = area[used[-1]] < _CUT_HEAD_MM2
    return {"vertex": float(z[used[-1]])} if whole and z[used[-1]] - neck > 180.0 else {}


def _pelvis(bone: Bools, across: Array, ahead: Array, z: Array, dome: float) -> dict[str, float]:
    """Crest: where bone beside the spine becomes much again below the ribs; pubis: in front."""
    seen: dict[str, float] = {}
    beside = np.count_nonzero(bone & (across > 35.0) & (across < 150.0), axis=(1, 2)) * GRID_MM**2
    below = np.flatnonzero((z < dome - 100.0) & (z > dome - 300.0))
    if len(below) < 20:
        return seen
    gap = below[np.argmin(np.convolve(beside, np.ones(5) / 5, "same")[below])]
    rise = np.flatnonzero((beside > 600.0) & (np.arange(len(z)) < gap) & (z > dome - 330.0))
    if not rise.size:
        return seen
    seen["crest"] = float(z[rise[-1]])
    front = np.count_nonzero(bone & (across < 30.0) & (ahead > 50.0), axis=(1, 2)) * GRID_MM**2
    low = np.flatnonzero((z < seen["crest"] - 90.0) & (z > seen["crest"] - 270.0))
    if low.size and front[low].max() > 100.0:
        seen["pubis"] = float(z[low[np.argmax(front[low])]])
    return seen


@lru_cache(maxsize=1)
def _typical() -> dict[str, float]:
    text = (Path(__file__).parent / "anatomy.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    return {name: float(table[name]) for name in (*LANDMARKS, "bladder")}


def _completed(seen: dict[str, float]) -> tuple[dict[str, float], tuple[Finding, ...]]:
    """All landmarks: those seen, the others by proportion from the nearest ones seen."""
    typical = _typical()
    names = sorted(seen, key=lambda name: typical[name])
    scale = 1.0
    if len(names) > 1:
        scale = (seen[names[0]] - seen[names[-1]]) / (typical[names[-1]] - typical[names[0]])
    landmarks = {}
    for name in LANDMARKS:
        near = min(names, key=lambda one: abs(typical[one] - typical[name]))
        landmarks[name] = seen[near] + scale * (typical[near] - typical[name])
    heights = [landmarks[name] for name in LANDMARKS]
    for n in range(1, 5):
        # Landmarks out of order would fold the coordinate; keep them at least 20 mm apart.
        heights[n] = min(heights[n], heights[n - 1] - 20.0)
    missing = [name for name in LANDMARKS if name not in seen]
    findings = (
        (
            Finding(
                "landmarks_estimated",
                "Not seen and placed by proportion: " + ", ".join(_NAMES[n][0] for n in missing),
                "未见并按比例估计的标志：" + "、".join(_NAMES[n][1] for n in missing),
                {"landmarks": missing},
            ),
        )
        if missing
        else ()
    )
    return dict(zip(LANDMARKS, heights, strict=True)), findings
