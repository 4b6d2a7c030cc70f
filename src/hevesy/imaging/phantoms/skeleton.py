"""Bones of the phantom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.interpolate import PchipInterpolator

from hevesy.imaging.phantoms.body import ARM_JOINTS, trunk_profile
from hevesy.imaging.phantoms.shapes import (
    Canvas,
    Cone,
    Ellipsoid,
    Point,
    Shape,
    between,
    both,
    tube,
)
from hevesy.imaging.phantoms.tissues import T

_SPINE: Final = np.array(
    [
        (-150, 24),
        (-200, 20),
        (-240, 24),
        (-290, 42),
        (-350, 58),
        (-420, 66),
        (-490, 65),
        (-560, 54),
        (-640, 42),
        (-700, 38),
        (-740, 46),
        (-790, 66),
        (-840, 72),
    ],
    dtype=np.float64,
)
_spine_y = PchipInterpolator(-_SPINE[:, 0], _SPINE[:, 1])


def spine_y(z: float) -> float:
    """Depth of the centre of the vertebral column at a height, in mm."""
    return float(_spine_y(np.clip(-z, 150, 840)))


@dataclass(frozen=True, slots=True)
class Vertebra:
    """Name, centre of the body, height, half width and half depth, in mm."""

    name: str
    centre: Point
    height_mm: float
    half_width_mm: float
    half_depth_mm: float


def vertebrae() -> list[Vertebra]:
    """C2 to L5 from the head down."""
    rows = []
    z = -168.0
    for region, first, count, pitch in (("C", 2, 6, 17.5), ("T", 1, 12, 23.0), ("L", 1, 5, 33.0)):
        for number in range(first, first + count):
            grown = (number - first) / max(1, count - 1)
            height = pitch * (0.92 + 0.12 * grown)
            width, depth = {
                "C": (11 + 2 * grown, 8 + grown),
                "T": (13 + 5 * grown, 11 + 4 * grown),
                "L": (20 + 4 * grown, 15 + 2 * grown),
            }[region]
            centre = (0.0, spine_y(z - height / 2), z - height / 2)
            rows.append(Vertebra(f"{region}{number}", centre, height, width, depth))
            z -= height
    return rows


def paint_skeleton(canvas: Canvas) -> None:
    """All bones but the skull."""
    _paint_ribs(canvas)
    _paint_girdles(canvas)
    _paint_spine(canvas)
    _paint_pelvis(canvas)
    _paint_limbs(canvas)


def bone(canvas: Canvas, shapes: Sequence[Shape], *, wall_mm: float, marrow: T = T.MARROW) -> None:
    """Cortical shell with marrow inside."""
    for shape in shapes:
        canvas.paint(shape, T.CORTICAL)
    for shape in shapes:
        canvas.paint(shape, marrow, grown_mm=-wall_mm)


def _paint_spine(canvas: Canvas) -> None:
    for one in vertebrae():
        x, y, z = one.centre
        w, d, half = one.half_width_mm, one.half_depth_mm, one.height_mm / 2
        behind = y + d
        reach = 1.5 * w if one.name[0] != "C" else 1.25 * w
        arch: list[Shape] = [
            Cone((0, behind + 14, z - 3), (0, behind + 30 + w * 0.3, z - 12), 4.0, 3.2),
            Cone((-8, behind + 13, z), (8, behind + 13, z), 4.0, 4.0),
            *both(Cone((w * 0.75, behind - 1, z), (w * 0.72, behind + 13, z), 4.2, 4.2)),
            *both(Cone((w * 0.72, behind + 8, z), (w + reach * 0.7, behind + 13, z), 4.2, 3.2)),
        ]
        bone(canvas, arch, wall_mm=1.8)
        column = Ellipsoid((x, y, z), (w, d, 4 * half))
        disc = max(2.2, 0.11 * one.height_mm)
        low, high = z - half, z + half
        canvas.paint(column, T.DISC, where=between(low, high))
        low += disc
        canvas.paint(column, T.CORTICAL, where=between(low, high))
        low, high = low + 1.5, high - 1.5
        canvas.paint(
            column,
            T.MARROW,
            grown_mm=-1.6,
            where=between(low, high),
        )
    cord = [(0.0, spine_y(z) + (18 if z > -290 else 24), float(z)) for z in range(-160, -640, -16)]
    canvas.paint_all(tube(cord, 8.5), T.CSF)
    canvas.paint_all(tube(cord, 5.0), T.CORD)


def _paint_ribs(canvas: Canvas) -> None:
    thoracic = [one for one in vertebrae() if one.name[0] == "T"]
    for number, vertebra in enumerate(thoracic, start=1):
        start_z = vertebra.centre[2] + 4
        drop = 18 + 11.5 * number if number < 10 else 95.0
        last = {11: 100.0, 12: 75.0}.get(number, 158.0 if number <= 7 else 140.0 - 4 * number + 28)
        path = []
        for degrees in np.linspace(9, last, 18):
            turn = np.radians(degrees)
            z = start_z - drop * (1 - np.cos(turn)) / 2
            width, depth, middle = trunk_profile(z)
            inset = 27.0
            x = (width - inset - 3) * np.sin(turn) ** 0.92
            y = middle + (depth - inset) * np.cos(turn)
            path.append((float(x), float(y), float(z)))
        ribs = tube(path, 4.7)
        for side in (
            ribs,
            [Cone(_flip(c.start), _flip(c.end), c.start_mm, c.end_mm) for c in ribs],
        ):
            bone(canvas, side, wall_mm=2.2)
        if number <= 7:
            end = path[-1]
            width, depth, middle = trunk_profile(end[2])
            front = (16.0, middle - depth + 24, end[2] + 3 * number)
            canvas.paint_all(both(*tube([end, front], 4.5)), T.CARTILAGE)


def _flip(point: Point) -> Point:
    return (-point[0], point[1], point[2])


def _paint_girdles(canvas: Canvas) -> None:
    sternum = [
        Cone((0, -74, -338), (0, -82, -372), 15, 13, flat=0.5),
        Cone((0, -82, -372), (0, -86, -476), 13, 12, flat=0.5),
    ]
    bone(canvas, sternum, wall_mm=1.8)
    clavicle = tube([(16, -66, -334), (60, -60, -318), (110, -22, -306), (152, 4, -304)], 6.0)
    bone(canvas, both(*clavicle), wall_mm=2.4)
    blade: list[Shape] = [
        *both(Ellipsoid((96, 84, -392), (38, 5.0, 66), (0.22, -0.06, 1))),
        *both(Cone((150, 26, -318), (84, 88, -352), 8, 5)),
        *both(Cone((152, 20, -330), (118, 74, -370), 10, 7)),
    ]
    bone(canvas, blade, wall_mm=2.2)


def _paint_limbs(canvas: Canvas) -> None:
    shoulder, elbow, wrist = (ARM_JOINTS[name] for name in ("shoulder", "elbow", "wrist"))
    head = (shoulder[0] - 8, shoulder[1], shoulder[2] - 2)
    humerus: list[Shape] = [
        *both(Ellipsoid(head, (22, 22, 22))),
        *both(Cone(head, (elbow[0], elbow[1], elbow[2] + 40), 12, 10)),
        *both(Cone((elbow[0], elbow[1], elbow[2] + 40), elbow, 10, 17, flat=0.7)),
    ]
    bone(canvas, humerus, wall_mm=3.2, marrow=T.FATTY_MARROW)
    forearm: list[Shape] = [
        *both(
            Cone(
                (elbow[0] - 9, elbow[1] + 4, elbow[2] - 6), (wrist[0] - 9, wrist[1], wrist[2]), 8, 6
            )
        ),
        *both(
            Cone((elbow[0] + 9, elbow[1], elbow[2] - 14), (wrist[0] + 9, wrist[1], wrist[2]), 7, 9)
        ),
    ]
    bone(canvas, forearm, wall_mm=2.6, marrow=T.FATTY_MARROW)
    for finger in (-15, -5, 5, 15):
        hand = Cone(
            (wrist[0] + finger * 0.6, wrist[1] - 4, wrist[2] - 14), (201 + finger, -36, -888), 5, 4
        )
        tip = Cone((201 + finger, -36, -896), (194 + finger * 0.8, -40, -975), 4, 3)
        bone(canvas, both(hand, tip), wall_mm=2.0, marrow=T.FATTY_MARROW)
    femur: list[Shape] = [
        *both(Ellipsoid((88, 6, -816), (23, 23, 23))),
        *both(Cone((88, 6, -816), (126, 14, -846), 15, 17)),
        *both(Cone((124, 14, -838), (112, 14, -900), 18, 15)),
        *both(Cone((112, 14, -900), (84, 12, -1260), 14.5, 14)),
    ]
    bone(canvas, femur, wall_mm=4.2, marrow=T.FATTY_MARROW)


def _paint_pelvis(canvas: Canvas) -> None:
    wing = tube(
        [(40, 74, -742), (76, 66, -716), (108, 36, -704), (122, 0, -716), (122, -28, -744)],
        [8, 7, 6.5, 6.5, 7.5],
    )
    plate: list[Shape] = []
    for shade in np.linspace(0.12, 1.0, 8):
        # The blade of the ilium: curves between its crest and the hip socket.
        plate += both(
            *tube(
                [
                    tuple(np.add(np.multiply(1 - shade, crest), np.multiply(shade, socket)))
                    for crest, socket in zip(
                        [(42, 74, -745), (84, 60, -720), (112, 28, -714), (120, -22, -744)],
                        [(62, 58, -792), (88, 40, -790), (98, 14, -788), (100, -14, -790)],
                        strict=True,
                    )
                ],
                5.0 + 4.5 * shade,
            )
        )
    socket: list[Shape] = [
        *both(Ellipsoid((90, 8, -806), (34, 34, 34))),
        *both(*tube([(84, 26, -826), (66, 44, -860), (52, 34, -884)], [17, 15, 14])),
        *both(*tube([(52, 30, -884), (36, -14, -872), (14, -46, -852)], [11, 8, 10])),
        *both(*tube([(84, -22, -806), (48, -48, -826), (10, -52, -842)], [13, 8, 11])),
    ]
    bone(canvas, [*both(*wing), *plate, *socket], wall_mm=2.6)
    # The socket holds the head of the femur with a joint space between.
    for shape in both(Ellipsoid((88, 6, -816), (26.5, 26.5, 26.5))):
        canvas.paint(shape, T.CARTILAGE)
    sacrum: list[Shape] = [
        Cone((0, 50, -742), (0, 74, -790), 34, 25, flat=0.6),
        Cone((0, 74, -790), (0, 78, -836), 22, 10, flat=0.55),
        *both(Cone((20, 56, -744), (44, 66, -752), 22, 18, flat=0.75)),
    ]
    bone(canvas, sacrum, wall_mm=2.2)
