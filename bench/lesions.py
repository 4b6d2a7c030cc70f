"""Lesion detection on phantoms with known truth, and how long a whole-body report takes.

Spheres blurred to 6 mm FWHM are put at random into the lungs, soft tissue, liver and bones of FDG
phantoms without lesions. Three questions: is every sphere whose voxels reach the rule in the
list; is it suggested (counted without a click), by diameter and by contrast to its surroundings;
how many other rows are suggested per patient. These phantoms were used while the rules were made:
the numbers say nothing about patients. Usage: `python bench/lesions.py [PHANTOMS] [ROUNDS]`.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections import defaultdict

import numpy as np
from scipy.ndimage import gaussian_filter

from hevesy.imaging.geometry import Volume
from hevesy.imaging.phantoms import make_fdg_phantom
from hevesy.imaging.segment.lesions.anatomy import anatomy
from hevesy.imaging.segment.lesions.report import find_lesions

DIAMETERS_MM = (6, 8, 10, 13, 17, 22, 28)
CONTRASTS = (2, 4, 6, 10)
PER_ROUND = 7
FWHM_MM = 6.0


def sphere(
    volume: Volume, centre: np.ndarray, radius_mm: float
) -> tuple[tuple[slice, ...], np.ndarray]:
    """A blurred sphere of height 1 over a box of the volume."""
    steps = np.array(volume.spacing_mm)[::-1]
    reach = np.ceil((radius_mm + 2 * FWHM_MM) / steps).astype(int)
    middle = np.rint(volume.index(centre)[::-1]).astype(int)
    low = np.maximum(middle - reach, 0)
    high = np.minimum(middle + reach + 1, volume.array.shape)
    k, j, i = (np.arange(a, b) for a, b in zip(low, high, strict=True))
    index = np.stack(np.meshgrid(k, j, i, indexing="ij"), axis=-1)[..., ::-1]
    away = np.linalg.norm(volume.world(index) - centre, axis=-1)
    share = np.clip(0.5 + (radius_mm - away) / float(steps.mean()), 0, 1)
    share = gaussian_filter(share, FWHM_MM / 2.3548 / steps, mode="nearest")
    return tuple(slice(a, b) for a, b in zip(low, high, strict=True)), share


def sites(places, pet: Volume, rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Points in the trunk, at least 60 mm apart and away from what is hot already."""
    cool = gaussian_filter(places.pet.array, 2) < 2.6
    z = places.pet.ijk_to_lps[2, 3] + 4.0 * np.arange(len(places.body))
    u = places.u(z)
    trunk = places.body & cool & ((u > 0.9) & (u < 3.8))[:, None, None]
    trunk &= places.hu > -900
    inside = np.argwhere(trunk)
    chosen: list[np.ndarray] = []
    while len(chosen) < count:
        point = places.pet.world(inside[rng.integers(len(inside))][::-1])
        if all(np.linalg.norm(point - other) > 60 for other in chosen):
            chosen.append(point)
    return chosen


def main(phantoms: int, rounds: int) -> None:
    """Run and print."""
    by_size, by_contrast = (defaultdict(lambda: [0, 0, 0]) for _ in range(2))
    missed, others, patients, times, dice = 0, 0, 0, [], []
    for seed in range(1, phantoms + 1):
        pair = make_fdg_phantom(seed, lesions=())
        places = anatomy(pair.pet, pair.ct)
        find_lesions(pair.pet, pair.ct)
        for round_number in range(rounds):
            rng = np.random.default_rng(1000 * seed + round_number)
            array = pair.pet.array.copy()
            truth = []
            for centre in sites(places, pair.pet, rng, PER_ROUND):
                diameter, contrast = rng.choice(DIAMETERS_MM), rng.choice(CONTRASTS)
                box, share = sphere(pair.pet, centre, diameter / 2)
                local = max(float(np.median(array[box])), 0.8)
                array[box] += np.float32(local * (contrast - 1)) * share.astype(np.float32)
                truth.append((box, share >= 0.5 * share.max(), diameter, contrast))
            pet = pair.pet.with_values(array, units="SUVbw")
            began = time.perf_counter()
            report = find_lesions(pet, pair.ct)
            times.append(time.perf_counter() - began)
            patients += 1
            labels = report.label_volume()
            included = {row.number for row in report.rows if row.included}
            ours = set()
            for box, inside, diameter, contrast in truth:
                above = inside & (array[box] >= 4.0)
                found = set(np.unique(labels[box][inside])) - {0}
                if above.any():
                    missed += not bool(np.all(labels[box][above] > 0))
                hit = bool(found & included)
                ours |= found
                for table, key in ((by_size, diameter), (by_contrast, contrast)):
                    table[key][0] += 1
                    table[key][1] += bool(above.any())
                    table[key][2] += hit
                if hit:
                    mask = np.isin(labels[box], list(found & included))
                    dice.append(2 * np.sum(mask & inside) / (mask.sum() + inside.sum()))
            others += len(included - ours)
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{phantoms} phantoms, {patients} patients, {patients * PER_ROUND} spheres, rule F4.0")
    print(f"spheres with voxels above the rule that are not wholly in the list: {missed}")
    for name, table in (("diameter mm", by_size), ("contrast", by_contrast)):
        print(f"\n{name:>12} {'spheres':>8} {'reach rule':>11} {'suggested':>10} {'share':>6}")
        for key in sorted(table):
            total, reach, hit = table[key]
            share = f"{hit / reach:6.2f}" if reach else "     -"
            print(f"{key:12d} {total:8d} {reach:11d} {hit:10d} {share}")
    print(f"\nother rows suggested per patient: {others / patients:.2f}")
    if dice:
        print(f"Dice of suggested spheres with the half-height truth: median {np.median(dice):.2f}")
    print(f"report in s: median {np.median(times):.2f}, largest {np.max(times):.2f}")


if __name__ == "__main__":
    main(*(int(one) for one in (*sys.argv[1:3], *("2", "10")[len(sys.argv) - 1 :])))
