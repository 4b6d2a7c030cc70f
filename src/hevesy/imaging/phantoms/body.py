"""The outer form of the phantom: a slender adult, supine, head first, arms beside the body.

z counts from the top of the head downwards (negative towards the feet), x to the patient's left,
y to the back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.interpolate import PchipInterpolator

from hevesy.imaging.phantoms.shapes import (
    Canvas,
    Cone,
    Ellipsoid,
    Field,
    as_field,
    both,
    smooth_union,
)
from hevesy.imaging.phantoms.tissues import T

# z, half width, half depth, centre in y, exponent of the superellipse of the cross section.
_TRUNK: Final = np.array(
    [
        (-262, 52, 52, 20, 2.0),
        (-280, 70, 58, 17, 2.0),
        (-298, 108, 70, 14, 2.1),
        (-318, 140, 84, 10, 2.3),
        (-350, 157, 97, 6, 2.5),
        (-400, 162, 106, 3, 2.5),
        (-450, 161, 110, 2, 2.4),
        (-520, 154, 108, 3, 2.35),
        (-590, 144, 101, 5, 2.3),
        (-640, 139, 98, 6, 2.3),
        (-690, 143, 99, 7, 2.3),
        (-740, 155, 102, 8, 2.35),
        (-790, 166, 105, 9, 2.4),
        (-830, 169, 105, 10, 2.4),
        (-870, 163, 100, 9, 2.4),
        (-905, 150, 92, 8, 2.4),
    ],
    dtype=np.float64,
)
_CROTCH_Z: Final = -872.0
_trunk_at = PchipInterpolator(-_TRUNK[:, 0], _TRUNK[:, 1:])


def trunk_profile(z: float) -> tuple[float, float, float]:
    """Half width, half depth and centre in y of the trunk at a height, in mm."""
    row = _trunk_at(np.clip(-z, -_TRUNK[0, 0], -_TRUNK[-1, 0]))
    return float(row[0]), float(row[1]), float(row[2])


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """Fields on the whole grid: the skin, and the trunk without head and limbs."""

    skin: Field
    trunk: Field


def trunk_field(canvas: Canvas) -> Field:
    """Trunk alone, negative inside."""
    z = canvas.z.ravel()
    rows = _trunk_at(np.clip(-z, -_TRUNK[0, 0], -_TRUNK[-1, 0])).astype(np.float32)
    width, depth, centre, power = (column[:, None, None] for column in rows.T)
    across = (np.abs(canvas.x) / width) ** power
    deep = (np.abs(canvas.y - centre) / depth) ** power
    ring = (across + deep) ** (1 / power)
    field = (ring - 1) * np.minimum(width, depth)
    # Rounded ends: above the shoulders and at the crotch the trunk stops.
    above = canvas.z - np.float32(_TRUNK[0, 0])
    below = np.float32(_CROTCH_Z) - canvas.z
    return as_field(np.maximum(field, np.maximum(above, below)))


_HEAD: Final = (
    Ellipsoid((0, 8, -92), (77, 97, 92)),
    Ellipsoid((0, -22, -140), (66, 72, 74)),
    Ellipsoid((0, -46, -186), (50, 46, 44)),
    Cone((0, 14, -150), (0, 20, -300), 57, 62),
    Ellipsoid((0, -96, -136), (13, 17, 21), (0, -0.35, 1)),
)
_TRAPEZIUS: Final = both(Cone((22, 30, -236), (140, 20, -312), 40, 36))
_EARS: Final = both(Ellipsoid((78, 18, -122), (7, 17, 29)))
_LEGS: Final = both(
    Cone((83, 4, -850), (79, 8, -1260), 86, 56),
    Ellipsoid((62, 52, -826), (78, 56, 92)),
)
_GROIN: Final = (Ellipsoid((0, -72, -876), (30, 26, 36)),)
ARM_JOINTS: Final = {
    "shoulder": (171.0, 12.0, -330.0),
    "elbow": (203.0, 30.0, -585.0),
    "wrist": (207.0, -26.0, -806.0),
    "knuckles": (201.0, -34.0, -890.0),
}
_ARMS: Final = (
    *both(Cone(ARM_JOINTS["shoulder"], ARM_JOINTS["elbow"], 47, 36)),
    *both(Cone(ARM_JOINTS["elbow"], (206, 6, -660), 37, 40)),
    *both(Cone((206, 6, -660), ARM_JOINTS["wrist"], 40, 25)),
    *both(Cone(ARM_JOINTS["wrist"], ARM_JOINTS["knuckles"], 24, 30, flat=0.75)),
    *both(Cone(ARM_JOINTS["knuckles"], (194, -40, -985), 27, 14, flat=0.7)),
    *both(Cone((196, -44, -845), (172, -70, -905), 15, 11)),
)


def body_fields(canvas: Canvas) -> Body:
    """Skin and trunk on the whole grid."""
    trunk = trunk_field(canvas)
    skin = trunk.copy()
    for shapes, blend_mm in ((_HEAD, 22.0), (_TRAPEZIUS, 30.0), (_LEGS, 26.0), (_GROIN, 14.0)):
        for shape in shapes:
            _join(canvas, skin, shape, blend_mm)
    for shape in _EARS:
        _join(canvas, skin, shape, 5.0)
    # Arms grow out of the shoulder, but lie beside the body farther down without melting into it.
    blend = np.interp(-canvas.z.ravel(), (330, 420), (34, 3)).astype(np.float32)[:, None, None]
    for shape in _ARMS:
        _join(canvas, skin, shape, blend)
    return Body(skin, trunk)


def _join(canvas: Canvas, skin: Field, shape: Ellipsoid | Cone, blend: float | Field) -> None:
    spare = float(np.max(blend)) + 4.0
    low, high = shape.bounds()
    box = canvas.box(
        (low[0] - spare, low[1] - spare, low[2] - spare),
        (high[0] + spare, high[1] + spare, high[2] + spare),
    )
    local = blend[box[0]] if isinstance(blend, np.ndarray) else blend
    skin[box] = smooth_union(skin[box], shape.field(*canvas.coordinates(box)), local)


def paint_body(canvas: Canvas, body: Body) -> None:
    """Skin, fat and muscle from outside in."""
    z = -canvas.z.ravel()
    fat_mm = np.interp(
        z,
        (0, 120, 230, 300, 420, 560, 680, 820, 900, 1000),
        (5, 5, 7, 9, 12, 16, 20, 23, 17, 13),
    ).astype(np.float32)[:, None, None]
    # Limbs carry less than the trunk beside them.
    fat_mm = np.where(np.abs(canvas.x) > 172, np.minimum(fat_mm, 7), fat_mm)
    canvas.labels[body.skin < 0] = T.SKIN
    canvas.labels[body.skin < -2.0] = T.FAT
    canvas.labels[body.skin < -2.0 - fat_mm] = T.MUSCLE
