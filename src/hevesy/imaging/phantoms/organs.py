"""Soft organs of the phantom, painted from outside in."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from hevesy.imaging.phantoms.body import Body
from hevesy.imaging.phantoms.shapes import (
    Axis,
    Canvas,
    Cone,
    Ellipsoid,
    Field,
    Shape,
    both,
    tube,
)
from hevesy.imaging.phantoms.skeleton import bone, spine_y
from hevesy.imaging.phantoms.tissues import T

_BRAIN: Final = (
    Ellipsoid((0, 8, -76), (63, 82, 60)),
    Ellipsoid((0, 50, -122), (48, 34, 25)),
)


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, ...], sigma: tuple[float, ...] | float
) -> Field:
    """Gaussian noise of unit variance with a correlation length, in voxels."""
    noise = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma, mode="wrap")
    return np.asarray(noise / noise.std(), dtype=np.float32)


def paint_head(canvas: Canvas, rng: np.random.Generator) -> None:
    """Skull, brain with folded cortex, eyes, sinuses, glands and the airway down to the larynx."""
    bone(
        canvas,
        [
            Ellipsoid((0, 8, -84), (71, 90, 76)),
            Cone((-44, 6, -126), (44, 6, -126), 22, 22),
            *both(Cone((46, -34, -132), (24, -70, -142), 16, 12)),
        ],
        wall_mm=2.0,
    )
    jaw = tube([(52, 0, -150), (50, -8, -184), (40, -44, -200), (14, -72, -206)], [8, 8, 8, 8])
    bone(canvas, both(*jaw, Cone((14, -72, -206), (-14, -72, -206), 8, 8)), wall_mm=2.4)
    teeth = tube([(30, -56, -170), (18, -74, -170), (0, -80, -170)], 6.5)
    canvas.paint_all(both(*teeth), T.CORTICAL)
    skull = [T.CORTICAL, T.MARROW, T.MUSCLE, T.FAT]
    for part in _BRAIN:
        canvas.paint(part, T.CSF, grown_mm=2.5, over=skull)
    _paint_cortex(canvas, rng)
    canvas.paint(Cone((0, 20, -104), (0, 26, -168), 12, 8), T.WHITE_MATTER)
    for shape in both(Ellipsoid((12, 12, -82), (9, 15, 10)), Ellipsoid((24, -4, -82), (8, 20, 13))):
        canvas.paint(shape, T.BASAL_GANGLIA)
    for shape in both(Ellipsoid((13, -16, -76), (5, 13, 8), (0.2, -0.6, 1))):
        canvas.paint(shape, T.BASAL_GANGLIA)
    horn = tube([(7, -34, -78), (8, -6, -68), (13, 26, -68), (24, 48, -84)], [4, 5, 6, 4.5])
    canvas.paint_all(both(*horn), T.CSF)
    canvas.paint(Ellipsoid((0, 6, -84), (2.5, 14, 9)), T.CSF)
    for shape in both(Ellipsoid((31, -72, -112), (15, 16, 14))):
        canvas.paint(shape, T.FAT)
    for shape in both(Ellipsoid((31, -74, -112), (12, 12, 12))):
        canvas.paint(shape, T.EYE)
    muscles = both(
        Cone((22, -64, -112), (18, -40, -112), 2.6, 2.2),
        Cone((40, -62, -112), (26, -40, -112), 2.6, 2.2),
    )
    canvas.paint_all(muscles, T.EYE_MUSCLE)
    sinuses = both(Ellipsoid((25, -54, -142), (12, 14, 15)), Ellipsoid((9, -70, -96), (8, 6, 9)))
    canvas.paint_all([*sinuses, Ellipsoid((0, -50, -136), (7, 26, 17))], T.GAS)
    canvas.paint(Ellipsoid((0, -40, -184), (25, 30, 16)), T.TONGUE)
    canvas.paint_all(both(Ellipsoid((54, 2, -162), (8, 15, 21))), T.GLAND)
    canvas.paint_all(both(Ellipsoid((30, -28, -208), (9, 14, 9))), T.GLAND)
    canvas.paint_all(both(Ellipsoid((17, -8, -178), (6, 7, 10))), T.TONSIL)
    airway = tube(
        [(0, -22, -140), (0, -4, -160), (0, -2, -200), (0, -10, -240), (0, -8, -280)],
        [9, 8, 8, 7, 8],
    )
    canvas.paint_all(airway, T.GAS)


def _paint_cortex(canvas: Canvas, rng: np.random.Generator) -> None:
    box = canvas.box((-70, -80, -160), (70, 96, -8))
    x, y, z = canvas.coordinates(box)
    cerebrum, cerebellum = (shape.field(x, y, z) for shape in _BRAIN)
    # The base of the brain is flat, not the lower half of an egg.
    cerebrum = np.maximum(cerebrum, -(z + 122 + 0.10 * (y - 8)))
    # Sulci carry grey matter inwards: the ribbon is as deep as a slowly winding noise says.
    winding = np.abs(smooth_noise(rng, cerebrum.shape, (2.0, 3.0, 3.0)))
    depth = 6.5 + 17.0 * np.exp(-((winding / 0.34) ** 2))
    part = canvas.labels[box]
    part[cerebrum < 0] = T.GREY_MATTER
    deep = Ellipsoid((0, 8, -80), (36, 54, 31)).field(x, y, z)
    part[(cerebrum < -depth) | ((deep < 0) & (cerebrum < -4.5))] = T.WHITE_MATTER
    # It winds, or the projection from the front would show it as a white line.
    falx = 3.0 * np.sin(y / 19) + 2.5 * np.sin(z / 14)
    fissure = (np.abs(x - falx) < 1.0) & (cerebrum < 0) & (cerebrum > -22)
    part[fissure] = T.CSF
    sulci = (winding < 0.10) & (cerebrum < 0) & (cerebrum > -9)
    part[sulci] = T.CSF
    shell = Ellipsoid((0, -4, -84), (41, 34, 21)).field(x, y, z)
    insula = (np.abs(shell + 1.5) < 2.6) & (np.abs(x) > 27) & (cerebrum < 0)
    part[insula] = T.GREY_MATTER
    cingulum = (np.abs(np.abs(x - falx) - 4.5) < 3.2) & (cerebrum > -34) & (cerebrum < 0)
    part[cingulum & (part == T.WHITE_MATTER)] = T.GREY_MATTER
    part[(cerebellum < 0) & (cerebrum >= 0)] = T.CEREBELLUM
    part[(cerebellum < -13) & (cerebrum >= 0)] = T.WHITE_MATTER


def diaphragm_z(x: Axis, y: Axis) -> Field:
    """Height of the diaphragm; the right dome stands higher, the back hangs lower."""
    right = -486.0 - ((x + 66) ** 2) / 90.0 - ((y + 8) ** 2) / 190.0
    left = -501.0 - ((x - 70) ** 2) / 90.0 - ((y + 4) ** 2) / 190.0
    middle = -510.0 - (x**2) / 420.0 - ((y + 20) ** 2) / 300.0
    domes = np.maximum(np.maximum(right, left), middle)
    return np.asarray(np.maximum(domes, -590.0), dtype=np.float32)


def paint_chest(canvas: Canvas, body: Body) -> None:
    """Lungs, mediastinum, heart, great vessels, airways, gullet, thyroid."""
    box = canvas.box((-170, -120, -610), (170, 120, -286))
    x, y, z = canvas.coordinates(box)
    trunk = body.trunk[box]
    part = canvas.labels[box]
    dome = diaphragm_z(x, y)
    wall = np.interp(-z.ravel(), (286, 330, 400), (44, 34, 33)).astype(np.float32)[:, None, None]
    cavity = (trunk < -wall) & (z > dome)
    part[cavity & (z < -318)] = T.MEDIASTINUM
    half = np.interp(-z.ravel(), (286, 330, 380, 430, 480, 560), (27, 30, 31, 36, 42, 38)).astype(
        np.float32
    )[:, None, None]
    # The lungs come close to each other behind the sternum and in front of the spine.
    waist = np.exp(-(((y - 4) / 46) ** 2))
    narrow = 11 + (half - 11) * waist
    apex = np.sqrt(((np.abs(x) - 62) / 62) ** 2 + ((y - 20) / 70) ** 2 + ((z + 372) / 84) ** 2) - 1
    shape = np.where(z > -372, apex < 0, True)
    lung = cavity & (np.abs(x) > narrow) & shape & (z > dome + 3)
    part[lung] = T.LUNG
    _paint_heart(canvas)
    vessels: list[Shape] = [
        *tube([(8, -6, -436), (4, -24, -410), (2, -22, -384), (12, 0, -366), (22, 26, -372)], 14),
        *tube(
            [(22, 26, -372), (26, 46, -400), (24, 46, -470), (16, 36, -540), (8, 22, -600)],
            [12.5, 12, 11.5, 10.5, 9.5],
        ),
        *tube([(8, 22, -600), (5, 12, -660), (4, 10, -694)], [9, 8.5, 8]),
        *tube([(-22, -12, -344), (-22, -12, -420)], [9, 10]),
        *tube([(-18, 4, -470), (-17, 14, -540), (-15, 14, -620), (-15, 16, -694)], 11),
        *both(
            *tube([(14, -20, -352), (20, 2, -300), (28, 4, -250), (30, 4, -200)], [6, 5, 4, 3.5])
        ),
        *both(*tube([(24, -22, -338), (34, 0, -290), (36, 8, -200)], [6, 5.5, 4.5])),
        *both(*tube([(24, -22, -336), (80, -22, -312), (140, 14, -330)], [6, 5, 4.5])),
        *tube([(10, -18, -428), (14, -12, -404), (36, 12, -402)], [14, 13, 10]),
        *tube([(10, -6, -404), (-38, 14, -408)], [12, 9]),
        *both(*tube([(34, 14, -404), (60, 24, -440), (74, 30, -480)], [7, 4.5, 3])),
        *both(*tube([(34, 12, -402), (58, 0, -370), (66, 2, -340)], [6, 4, 2.5])),
    ]
    canvas.paint_all(vessels, T.BLOOD)
    gullet = [(0.0, float(min(spine_y(z) - 22, 42)), float(z)) for z in range(-286, -540, -24)]
    canvas.paint_all(tube([*gullet, (24, 8, -545)], 6.5), T.OESOPHAGUS)
    airway = tube([(0, -8, -276), (0, 2, -330), (0, 16, -394)], 8.5)
    branches = both(*tube([(0, 16, -392), (22, 20, -412), (46, 22, -430)], [7, 6, 4.5]))
    canvas.paint_all([*airway, *branches], T.GAS)
    canvas.paint_all(both(Ellipsoid((15, -20, -266), (7, 8, 19), (0.15, 0, 1))), T.THYROID)
    canvas.paint(Cone((-14, -24, -272), (14, -24, -272), 4, 4), T.THYROID)


_HEART_AXIS: Final = (0.62, -0.52, -0.58)


def _paint_heart(canvas: Canvas) -> None:
    chambers = [
        Ellipsoid((20, -30, -462), (44, 42, 58), (0.55, -0.35, -0.75)),
        Ellipsoid((-16, -16, -450), (30, 34, 40)),
    ]
    canvas.paint_all(chambers, T.VISCERAL_FAT)
    for shape in chambers:
        canvas.paint(shape, T.BLOOD, grown_mm=-4)
    left = Ellipsoid((40, -30, -468), (34, 34, 47), _HEART_AXIS)
    hollow = Ellipsoid((34, -25, -463), (22, 22, 40), _HEART_AXIS)

    def below_the_valve(x: Axis, y: Axis, z: Axis) -> npt.NDArray[np.bool_]:
        along = (x - 40) * 0.62 + (y + 30) * -0.52 + (z + 468) * -0.58
        return np.asarray(along > -30)

    canvas.paint(left, T.MYOCARDIUM, where=below_the_valve)
    canvas.paint(hollow, T.BLOOD)


def paint_abdomen(canvas: Canvas, body: Body, rng: np.random.Generator) -> None:
    """Everything between diaphragm and pelvic floor."""
    box = canvas.box((-170, -120, -872), (170, 120, -480))
    x, y, z = canvas.coordinates(box)
    wall = np.interp(-z.ravel(), (480, 600, 700, 800, 872), (34, 34, 36, 44, 52))
    inside = body.trunk[box] < -wall.astype(np.float32)[:, None, None]
    part = canvas.labels[box]
    cavity = inside & (z < diaphragm_z(x, y) - 3) & (part != T.BLOOD)
    part[cavity] = T.VISCERAL_FAT
    muscles = both(
        *tube([(26, 44, -600), (38, 42, -680), (60, 10, -760)], [14, 21, 18]),
        Cone((38, 78, -560), (34, 84, -740), 22, 26, flat=0.7),
    )
    canvas.paint_all(muscles, T.MUSCLE)
    _paint_liver(canvas, box, cavity)
    spleen = Ellipsoid((92, 44, -566), (23, 40, 48), (0.25, -0.1, 1))
    canvas.paint(spleen, T.SPLEEN, over=[T.VISCERAL_FAT, T.MUSCLE, T.LUNG])
    canvas.paint(Ellipsoid((-42, -56, -622), (15, 18, 27), (0.1, -0.25, 1)), T.GALLBLADDER)
    _paint_stomach(canvas)
    canvas.paint_all(
        tube([(-26, -20, -648), (0, -18, -632), (40, 0, -612), (76, 26, -590)], [14, 11, 10, 9]),
        T.PANCREAS,
    )
    for side, top in ((-1, -652.0), (1, -636.0)):
        _paint_kidney(canvas, side, top)
    _paint_bowel(canvas, rng)
    iliacs = both(
        *tube(
            [(3, 12, -694), (24, 10, -736), (52, -18, -792), (66, -52, -850), (70, -40, -990)],
            [8, 7, 6.5, 6, 5.5],
        )
    )
    veins = both(
        *tube(
            [(-2, 16, -694), (28, 18, -738), (54, -6, -796), (58, -46, -852), (62, -34, -990)],
            [9, 7.5, 7, 6.5, 6],
        )
    )
    canvas.paint_all([*iliacs, *veins], T.BLOOD)
    for shape in (Ellipsoid((0, -20, -814), (36, 29, 27)), Ellipsoid((0, -30, -804), (26, 21, 21))):
        canvas.paint(shape, T.MUSCLE, grown_mm=3.5)
    for shape in (Ellipsoid((0, -20, -814), (36, 29, 27)), Ellipsoid((0, -30, -804), (26, 21, 21))):
        canvas.paint(shape, T.URINE)
    canvas.paint(Ellipsoid((0, -6, -852), (23, 17, 17)), T.PROSTATE)


def _paint_liver(
    canvas: Canvas, box: tuple[slice, slice, slice], cavity: npt.NDArray[np.bool_]
) -> None:
    x, y, z = canvas.coordinates(box)
    lobes = [
        Ellipsoid((-66, 2, -566), (74, 80, 84)),
        Ellipsoid((-84, 14, -620), (40, 52, 58)),
        Ellipsoid((-2, -40, -546), (74, 42, 38), (-0.15, 0.0, 1)),
    ]
    field = lobes[0].field(x, y, z)
    for lobe in lobes[1:]:
        other = lobe.field(x, y, z)
        near = np.maximum(18 - np.abs(field - other), 0) / 18
        field = np.minimum(field, other) - near * near * np.float32(4.5)
    part = canvas.labels[box]
    # The under surface is hollow where kidney, gallbladder and duodenum lie.
    hollow = Ellipsoid((-30, 8, -650), (34, 62, 58)).field(x, y, z) < 0
    back = (np.abs(x) < 30) & (y > 26)
    part[(field < 0) & cavity & ~hollow & ~back & (part == T.VISCERAL_FAT)] = T.LIVER
    portal = tube([(-8, -2, -600), (-32, -8, -580), (-62, 0, -566)], [7, 6, 4])
    canvas.paint_all(portal, T.BLOOD, over=[T.LIVER])


def _paint_stomach(canvas: Canvas) -> None:
    path = [(56, 16, -536), (66, -6, -572), (56, -40, -612), (24, -58, -640), (-8, -52, -640)]
    radii = [30, 29, 23, 17, 12]
    over = [T.VISCERAL_FAT, T.LIVER, T.MUSCLE]
    canvas.paint_all(tube(path, radii), T.STOMACH_WALL, over=over)
    inner = tube(path, [r - 5.5 for r in radii])
    canvas.paint_all(inner, T.STOMACH, over=[T.STOMACH_WALL])
    for shape in inner:
        canvas.paint(shape, T.GAS, over=[T.STOMACH], where=lambda x, y, z: (y < -30) & (x < 999))
    loop = tube(
        [(-8, -52, -640), (-40, -36, -640), (-46, -14, -672), (-30, 2, -704), (12, -4, -694)], 10
    )
    canvas.paint_all(loop, T.BOWEL_WALL, over=[T.VISCERAL_FAT])


def _paint_kidney(canvas: Canvas, side: int, top: float) -> None:
    centre = (side * 66.0, 50.0, top)
    tilt = (side * -0.24, 0.12, 1.0)
    canvas.paint(
        Ellipsoid(centre, (36, 30, 66), tilt),
        T.VISCERAL_FAT,
        over=[T.LIVER, T.SPLEEN, T.VISCERAL_FAT, T.LUNG],
    )
    canvas.paint(Ellipsoid(centre, (28, 23, 55), tilt), T.RENAL_CORTEX)
    canvas.paint(Ellipsoid(centre, (17, 14, 42), tilt), T.RENAL_MEDULLA)
    hilum = (side * 50.0, 42.0, top)
    canvas.paint(
        Ellipsoid(hilum, (16, 15, 26)), T.VISCERAL_FAT, over=[T.RENAL_CORTEX, T.RENAL_MEDULLA]
    )
    canvas.paint(Ellipsoid((side * 53.0, 43.0, top - 3), (6, 5.5, 11)), T.CALYX)
    for calyx in (-25.0, -2.0, 23.0):
        canvas.paint(
            Cone((side * 55.0, 44, top + calyx * 0.4), (side * 63.0, 48, top + calyx), 2.4, 3.6),
            T.CALYX,
        )
    ureter = tube(
        [
            (side * 48, 40, top - 14),
            (side * 38, 26, top - 60),
            (side * 34, 16, -730),
            (side * 46, 24, -776),
            (side * 26, 6, -820),
        ],
        2.4,
    )
    # Peristalsis: only parts of a ureter hold urine at one time.
    shown = [piece for n, piece in enumerate(ureter) if (n // 4 + (side > 0)) % 3 == 0]
    canvas.paint_all(ureter, T.MUSCLE, over=[T.VISCERAL_FAT])
    canvas.paint_all(shown, T.URETER)


def _paint_bowel(canvas: Canvas, rng: np.random.Generator) -> None:
    free = [T.VISCERAL_FAT]
    colon = tube(
        [
            (-92, -10, -770),
            (-102, 10, -720),
            (-100, 16, -680),
            (-88, -16, -664),
            (-50, -66, -676),
            (0, -72, -700),
            (52, -64, -672),
            (86, -14, -624),
            (104, 22, -640),
            (106, 24, -700),
            (100, 8, -750),
            (78, -12, -782),
            (44, -26, -770),
            (22, 4, -760),
            (4, 38, -776),
        ],
        [24, 23, 22, 20, 18, 18, 18, 17, 17, 16, 16, 16, 15, 15, 15],
    )
    canvas.paint_all(colon, T.COLON_WALL, over=free)
    for shape in colon:
        canvas.paint(shape, T.STOOL, grown_mm=-4.5, over=[T.COLON_WALL])
    for shape in colon:
        canvas.paint(shape, T.GAS, grown_mm=-6.0, over=[T.STOOL], where=lambda x, y, z: y < -58)
    rectum = tube([(4, 38, -776), (0, 46, -800), (0, 42, -850)], [15, 17, 14])
    canvas.paint_all(rectum, T.COLON_WALL, over=[*free, T.MUSCLE])
    for shape in rectum:
        canvas.paint(shape, T.STOOL, grown_mm=-5, over=[T.COLON_WALL])
    small: list[tuple[float, float, float]] = []
    for row, z in enumerate(np.linspace(-676, -790, 10)):
        front = -50.0 if row % 2 else -12.0
        for turn in np.linspace(-1, 1, 8) * (1 if (row // 2) % 2 else -1):
            wobble = rng.normal(0, 6, 3)
            forward = front + 12 * np.cos(3.1 * turn + row)
            small.append((70 * turn + wobble[0], forward + wobble[1], z + wobble[2]))
    loops = tube(small, 12.0)
    canvas.paint_all(loops, T.BOWEL_WALL, over=free)
    for shape in loops:
        canvas.paint(shape, T.BOWEL, grown_mm=-4.0, over=[T.BOWEL_WALL])
