"""Draw the pictures of planar.md from the phantoms: `python docs/imaging/pictures/planar.py`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np

from hevesy.imaging.analyse.acquired import Acquired
from hevesy.imaging.analyse.gastric import analyse_gastric_emptying
from hevesy.imaging.analyse.lung import analyse_lungs
from hevesy.imaging.analyse.mugaef import analyse_gated_blood_pool
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.parathyroid import analyse_subtraction
from hevesy.imaging.analyse.plots import write_picture
from hevesy.imaging.analyse.regions import Region, RegionSet
from hevesy.imaging.analyse.renogram import analyse_renogram
from hevesy.imaging.analyse.shapes import Ellipse, Rectangle
from hevesy.imaging.analyse.stimulated import analyse_gallbladder, analyse_salivary
from hevesy.imaging.analyse.thyroid import Counted, camera_uptake
from hevesy.imaging.nuclides import half_life_s
from hevesy.imaging.phantoms import planar

HERE = Path(__file__).parent
TC99M_S = half_life_s("Tc-99m")
# Fixed, so that the same code draws the same file.
mpl.rcParams["svg.hashsalt"] = "hevesy"


def renogram() -> Outcome:
    kidneys = planar.renogram(uptake=(0.0035, 0.0065), emptying_s=(600.0, 120.0), seed=7)
    return analyse_renogram(
        kidneys.frames,
        kidneys.start_s,
        kidneys.duration_s,
        kidneys.regions,
        half_life_s=TC99M_S,
    )


def mugaef() -> Outcome:
    heart = planar.gated_blood_pool(seed=7)
    pool = analyse_gated_blood_pool(
        heart.frames, float(heart.duration_s.sum()), heart.regions, harmonics=3
    )
    return replace(pool, panels=pool.panels[:2])


def thyroid() -> Outcome:
    lobes = Ellipse((24, 30), (6, 11)), Ellipse((40, 30), (6, 11))
    frame = np.full((64, 64), 4.0)
    for lobe, counts in zip(lobes, (90.0, 70.0), strict=True):
        frame[lobe.mask(64, 64)] += counts
    neck = Acquired(
        np.random.default_rng(7).poisson(frame).astype(float)[None],
        np.array([1200.0]),
        np.array([300.0]),
    )
    regions = RegionSet(
        64,
        64,
        (
            Region("gland", "thyroid", Ellipse((32, 30), (16, 13))),
            Region("BG", "background", Rectangle((22, 50), (20, 6))),
        ),
    )
    return camera_uptake(
        neck,
        regions,
        full=Counted(2_600_000),
        empty=Counted(100_000),
        half_life_s=TC99M_S,
    )


def gastric() -> Outcome:
    meal, posterior = planar.stomach(half_time_min=80.0, shape_b=2.2, seed=7)
    front = Acquired(meal.frames, meal.start_s, meal.duration_s, "anterior")
    back = replace(front, frames=posterior, view="posterior")
    return analyse_gastric_emptying(front, back, meal.regions, half_life_s=TC99M_S)


def lungs() -> Outcome:
    flow = dict.fromkeys(("left_upper", "left_middle", "left_lower", "right_lower"), 0.2)
    lung, posterior = planar.chest(
        shares=flow | {"right_upper": 0.05, "right_middle": 0.15},
        depth_cm={"left_upper": 6.0, "right_lower": 15.0, "right_upper": 9.0, "liver": 9.0},
    )
    front = Acquired(lung.frames, lung.start_s, lung.duration_s, "anterior")
    back = replace(front, frames=posterior, view="posterior")
    return analyse_lungs((front, back), lung.regions)


def parathyroid() -> Outcome:
    gland, nodule = Rectangle((20, 16), (24, 20)), Rectangle((22, 30), (6, 5))
    regions = RegionSet(
        64,
        64,
        (
            Region("thyroid", "thyroid", gland),
            Region("nodule", "nodule", nodule),
            Region("BG", "background", Rectangle((4, 48), (12, 10))),
        ),
    )

    def image(thyroid: float, more: float, background: float, seed: int) -> Acquired:
        frame = np.full((64, 64), background)
        frame[gland.mask(64, 64)] += thyroid
        frame[nodule.mask(64, 64)] += more
        counted = np.random.default_rng(seed).poisson(frame).astype(float)
        return Acquired(counted[None], np.array([0.0]), np.array([600.0]))

    return analyse_subtraction(image(100, 60, 20, 1), image(60, 0, 5, 2), regions)


START_S, DURATION_S = 30.0 * np.arange(40), np.full(40, 30.0)


def _organs(
    roles: dict[str, tuple[Ellipse, float]], stimulus_s: float
) -> tuple[np.ndarray, RegionSet]:
    """Organs that fill until the stimulus, then lose a share of what they hold with a half-time of 3 min."""
    painted = []
    for shape, share in roles.values():

        def rate(t: np.ndarray, share: float = share) -> np.ndarray:
            after = np.maximum(t - stimulus_s, 0.0)
            left = 1.0 - share * (1.0 - 0.5 ** (after / 180.0))
            return 40.0 * np.minimum(t / stimulus_s + 0.1, 1.0) * left

        painted.append(
            (shape, planar.collected(planar.decaying(rate, TC99M_S), START_S, DURATION_S))
        )
    flat = planar.collected(planar.decaying(lambda t: 0.05 + 0 * t, TC99M_S), START_S, DURATION_S)
    regions = [Region(role, role, shape) for role, (shape, _share) in roles.items()]
    regions.append(Region("BG", "background", Rectangle((26, 4), (12, 8))))
    return planar.paint(painted, flat, seed=7), RegionSet(64, 64, tuple(regions))


def salivary() -> Outcome:
    frames, regions = _organs(
        {
            "left_parotid": (Ellipse((48, 20), (6, 8)), 0.6),
            "right_parotid": (Ellipse((16, 20), (6, 8)), 0.2),
            "left_submandibular": (Ellipse((42, 44), (5, 4)), 0.5),
            "right_submandibular": (Ellipse((22, 44), (5, 4)), 0.5),
        },
        600.0,
    )
    return analyse_salivary(
        frames, START_S, DURATION_S, regions, half_life_s=TC99M_S, stimulus_s=600.0
    )


def gallbladder() -> Outcome:
    frames, regions = _organs({"gallbladder": (Ellipse((30, 36), (5, 8)), 0.7)}, 300.0)
    return analyse_gallbladder(
        frames, START_S, DURATION_S, regions, half_life_s=TC99M_S, stimulus_s=300.0
    )


PICTURES = (
    renogram,
    mugaef,
    thyroid,
    gastric,
    lungs,
    parathyroid,
    salivary,
    gallbladder,
)


def main() -> None:
    """Draw them all."""
    for make in PICTURES:
        write_picture(make(), HERE / f"{make.__name__}.svg")


if __name__ == "__main__":
    main()
