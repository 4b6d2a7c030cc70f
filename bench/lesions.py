"""Lesion detection on phantoms with known truth, what learning adds, and how long a report takes.

FDG phantoms without lesions (brain, tonsils, glands, heart, liver, spleen, kidneys, ureters, bladder,
bowel), one for each seed: body 0.9 to 1.12 times as large along each axis, uptake of every tissue
times a lognormal of SD 0.25, texture and noise of their own; the shape of the organs is the same
in all. Spheres blurred to 6 mm FWHM are put at random into lungs, soft tissue, liver and bones, as often
into one as into another.
The rules were made with such phantoms at hand, so these are no figures for patients.

A row is right if at least half of its voxels lie in the blurred extent of a sphere, else it is
false, whatever its class; a sphere is found if a right row holds its hottest place. FPV and FNV
are those of autoPET: mL of 18-connected components without any overlap. Weights are learned on the
first half of the phantoms and judged on the others.
Usage: `python bench/lesions.py [PHANTOMS] [ROUNDS] [JSON]`; JSON: where to write the numbers of the
pictures (`docs/imaging/pictures/lesions.py`).
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, generate_binary_structure, label

from hevesy.imaging.geometry import Volume
from hevesy.imaging.phantoms.fdg import PhantomPair, make_fdg_phantom
from hevesy.imaging.phantoms.tissues import T
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.lesions.anatomy import anatomy
from hevesy.imaging.segment.lesions.labels import Label
from hevesy.imaging.segment.lesions.learning import auc, fit
from hevesy.imaging.segment.lesions.report import LesionReport, find_lesions
from hevesy.imaging.segment.lesions.scoring import Scoring, hand_scoring

DIAMETERS_MM = (6, 8, 10, 13, 17, 22, 30)
CONTRASTS = (2, 4, 6, 10)
PER_ROUND = 7
FWHM_MM = 6.0
FALSE_PER_PATIENT = (0.125, 0.25, 0.5, 1, 2, 4, 8, 16)
ORGANS = {
    "brain": "GREY_MATTER WHITE_MATTER BASAL_GANGLIA CEREBELLUM CSF",
    "eye muscle, tonsil, gland, tongue": "EYE_MUSCLE EYE TONSIL GLAND TONGUE THYROID",
    "heart": "MYOCARDIUM",
    "kidney": "RENAL_CORTEX RENAL_MEDULLA CALYX",
    "urine below the kidney": "URINE URETER",
    "liver": "LIVER",
    "spleen": "SPLEEN",
    "stomach or bowel": "STOMACH STOMACH_WALL BOWEL BOWEL_WALL COLON_WALL STOOL GAS",
    "bone": "CORTICAL MARROW FATTY_MARROW LYTIC DISC CARTILAGE",
    "lung": "LUNG",
}
OF_TISSUE = {T[name]: organ for organ, names in ORGANS.items() for name in names.split()}
ORGAN_OF = np.array([OF_TISSUE.get(one, "soft tissue") for one in T])
GROUPS = ("lung", "liver", "bone", "soft tissue")


@dataclass
class Sphere:
    """One sphere of a patient: its box, its extent, half-height mask, and what became of it."""

    box: tuple[slice, ...]
    extent: np.ndarray
    inside: np.ndarray
    hottest: tuple[int, ...]
    diameter: int
    contrast: int
    organ: str
    reaches: bool = False
    lost: bool = False
    rows: set[int] = field(default_factory=set)


@dataclass
class Patient:
    """A report beside its truth."""

    seed: int
    report: LesionReport
    spheres: list[Sphere]
    right: set[int]
    organs: dict[int, str]
    dice: float
    fpv_ml: float
    fnv_ml: float
    seconds: float


def varied(pair: PhantomPair, rng: np.random.Generator) -> tuple[Volume, Volume]:
    """PET and CT of another body: other size, other uptake of every tissue."""
    scale = np.diag([*rng.uniform(0.9, 1.12, 3), 1.0])
    factor = np.exp(0.25 * rng.standard_normal(len(T))).astype(np.float32)
    k, j, i = pair.pet.array.shape
    of_tissue = factor[pair.truth["tissue"]].reshape(k, j, 2, i, 2).mean(axis=(2, 4))
    array = pair.pet.array * gaussian_filter(of_tissue, (0.8, 0.6, 0.6))
    pet = replace(pair.pet, array=array, ijk_to_lps=scale @ pair.pet.ijk_to_lps)
    return pet, replace(pair.ct, ijk_to_lps=scale @ pair.ct.ijk_to_lps)


def insert(
    pet: Volume, array: np.ndarray, centre: np.ndarray, diameter: int, contrast: int, organ: str
) -> Sphere:
    """Add a blurred sphere to the array."""
    steps = np.array(pet.spacing_mm)[::-1]
    reach = np.ceil((diameter / 2 + 2 * FWHM_MM) / steps).astype(int)
    middle = np.rint(pet.index(centre)[::-1]).astype(int)
    low = np.maximum(middle - reach, 0)
    high = np.minimum(middle + reach + 1, array.shape)
    k, j, i = (np.arange(a, b) for a, b in zip(low, high, strict=True))
    index = np.stack(np.meshgrid(k, j, i, indexing="ij"), axis=-1)[..., ::-1]
    away = np.linalg.norm(pet.world(index) - centre, axis=-1)
    share = np.clip(0.5 + (diameter / 2 - away) / float(steps.mean()), 0, 1)
    share = gaussian_filter(share, FWHM_MM / 2.3548 / steps, mode="nearest")
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    local = max(float(np.median(array[box])), 0.8)
    array[box] += np.float32(local * (contrast - 1)) * share.astype(np.float32)
    inside = share >= 0.5 * share.max()
    top = np.unravel_index(int(np.argmax(np.where(inside, array[box], -1))), inside.shape)
    hottest = tuple(int(a + b) for a, b in zip(low, top, strict=True))
    return Sphere(
        box, share >= 0.1 * share.max(), inside, hottest, diameter, contrast, organ,
        reaches=bool((array[box][inside] >= 4.0).any()),
    )  # fmt: skip


def sites(places, ct: Volume, tissue: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Points in the trunk, of one organ as often as of another, at least 60 mm apart.

    Outside the liver away from what is hot already: a sphere within an organ is the organ.
    """
    z = places.pet.ijk_to_lps[2, 3] + 4.0 * np.arange(len(places.body))
    u = places.u(z)
    trunk = places.body & (places.hu > -900) & ((u > 0.9) & (u < 3.8))[:, None, None]
    points = places.pet.world(np.argwhere(trunk)[:, ::-1])
    found = organs_at(ct, tissue, points)
    cool = (gaussian_filter(places.pet.array, 2) < 2.6)[trunk]
    of_organ = [points[(found == one) & (cool | (one == "liver"))] for one in GROUPS]
    chosen: list[np.ndarray] = []
    while len(chosen) < PER_ROUND:
        own = of_organ[rng.integers(len(GROUPS))]
        point = own[rng.integers(len(own))]
        if all(np.linalg.norm(point - other) > 60 for other in chosen):
            chosen.append(point)
    return chosen


def organs_at(ct: Volume, tissue: np.ndarray, places: np.ndarray) -> np.ndarray:
    """What the phantom has at each of the places (n, 3)."""
    at = np.rint(ct.index(places)[:, ::-1]).astype(int)
    at = np.clip(at, 0, np.array(tissue.shape) - 1)
    return ORGAN_OF[tissue[tuple(at.T)]]


def examine(seed: int, round_number: int, pair: PhantomPair) -> Patient:
    """One patient: spheres, report, comparison."""
    rng = np.random.default_rng(1000 * seed + round_number)
    healthy, ct = varied(pair, rng)
    tissue = pair.truth["tissue"]
    array = healthy.array.copy()
    spheres = []
    for centre in sites(anatomy(healthy, ct), ct, tissue, rng):
        diameter, contrast = int(rng.choice(DIAMETERS_MM)), int(rng.choice(CONTRASTS))
        organ = str(organs_at(ct, tissue, centre[None])[0])
        spheres.append(insert(healthy, array, centre, diameter, contrast, organ))
    pet = healthy.with_values(array, units="SUVbw")
    began = time.perf_counter()
    report = find_lesions(pet, ct)
    seconds = time.perf_counter() - began
    labels = report.label_volume()
    truth, extent = (np.zeros(labels.shape, dtype=bool) for _ in range(2))
    for one in spheres:
        truth[one.box] |= one.inside
        extent[one.box] |= one.extent
        above = one.inside & (array[one.box] >= 4.0)
        one.lost = bool((labels[one.box][above] == 0).any())
    right = {row.number for row in report.rows if extent[row.voi.box][row.voi.mask].mean() >= 0.5}
    for one in spheres:
        one.rows = {int(labels[one.hottest])} & right
    organs = organs_at(ct, tissue, np.array([row.statistics.max_at_lps for row in report.rows]))
    predicted = np.isin(labels, [row.number for row in report.rows if row.included])
    total = predicted.sum() + truth.sum()
    return Patient(
        seed=seed,
        report=report,
        spheres=spheres,
        right=right,
        organs=dict(zip([row.number for row in report.rows], organs.tolist(), strict=True)),
        dice=float(2 * (predicted & truth).sum() / total) if total else 1.0,
        fpv_ml=untouched_ml(predicted, truth, pet.voxel_mm3),
        fnv_ml=untouched_ml(truth, predicted, pet.voxel_mm3),
        seconds=seconds,
    )


def untouched_ml(mask: np.ndarray, other: np.ndarray, voxel_mm3: float) -> float:
    """Volume of the 18-connected components of a mask that share no voxel with another."""
    parts, count = label(mask, structure=generate_binary_structure(3, 2))
    size = np.bincount(parts.ravel(), minlength=count + 1)
    touched = np.bincount(parts[other], minlength=count + 1) > 0
    return float(size[1:][~touched[1:]].sum() * voxel_mm3 / 1000)


def froc(
    patients: list[Patient], scoring: Scoring, *, suggested: bool, at: tuple = FALSE_PER_PATIENT
) -> list[float]:
    """Sensitivity at so many false rows per patient, over the spheres that reach the rule."""
    false: list[float] = []
    found: list[float] = []
    spheres = 0
    for one in patients:
        rated = {
            row.number: scoring.score(row.features)
            for row in one.report.rows
            if row.included or not suggested
        }
        false += [score for number, score in rated.items() if number not in one.right]
        for sphere in one.spheres:
            if sphere.reaches:
                spheres += 1
                found.append(max((rated[n] for n in sphere.rows if n in rated), default=-1.0))
    ordered = np.sort(false)[::-1]
    answer = []
    for per_patient in at:
        allowed = int(per_patient * len(patients))
        # Rows above the score of the first false row that is one too many.
        level = ordered[allowed] if allowed < len(ordered) else -0.5
        answer.append(float(np.mean(np.array(found) > level)) if spheres else 0.0)
    return answer


def labels_of(patients: list[Patient]) -> list[Label]:
    """What a reader who knows the truth would say about every row."""
    return [
        Label(
            study=f"phantom {one.seed}", tracer="FDG", rule="F4.0", pipeline=one.report.version,
            features=row.features, suggested=row.included,
            accepted=row.number in one.right, at="2026-01-01",
        )
        for one in patients
        for row in one.report.rows
    ]  # fmt: skip


def counts_by(patients: list[Patient], name: str) -> list[dict]:
    """Spheres of each diameter, contrast or organ: how many, found, reaching the rule, suggested."""
    groups = defaultdict(list)
    for one in patients:
        included = {row.number for row in one.report.rows if row.included}
        for sphere in one.spheres:
            groups[getattr(sphere, name)].append((sphere, bool(sphere.rows & included)))
    return [
        {
            name: key,
            "spheres": len(groups[key]),
            "found": sum(bool(sphere.rows) for sphere, _ in groups[key]),
            "reach_rule": sum(sphere.reaches for sphere, _ in groups[key]),
            "suggested": sum(hit for _, hit in groups[key]),
        }
        for key in sorted(groups)
    ]


def write_json(patients: list[Patient], half: int, target: Path) -> None:
    """The numbers of the pictures: counts by size, contrast and organ, and whole FROC curves."""
    at = tuple(float(one) for one in np.geomspace(1 / 16, 16, 33))
    late = [one for one in patients if one.seed > half]
    curves = [("hand, all phantoms", patients, hand_scoring()), ("hand", late, hand_scoring())]
    try:
        learned = fit(labels_of([one for one in patients if one.seed <= half])).scoring
        curves.append(("learned", late, learned))
    except Refused as refusal:
        print(refusal, file=sys.stderr)
    told = {
        "rule": "F4.0",
        "patients": len(patients),
        "counts": {name: counts_by(patients, name) for name in ("diameter", "contrast", "organ")},
        "froc_of_suggested_rows": {
            "false_rows_per_patient": at,
            "sensitivity": {
                name: froc(of, scoring, suggested=True, at=at) for name, of, scoring in curves
            },
        },
    }
    target.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def tell_detection(patients: list[Patient]) -> None:
    """Sensitivity by size, contrast and place; volumes; false rows."""
    spheres = [sphere for one in patients for sphere in one.spheres]
    print(
        f"spheres not wholly in the list where they reach the rule: {sum(s.lost for s in spheres)}"
    )
    print("\nfound: a right row, by the rule or by contrast; suggested: one that counts by itself")
    print("sensitivity: suggested of those that reach the rule")
    for name in ("diameter", "contrast", "organ"):
        print(f"\n{name:>12} spheres  found  reach rule  suggested  sensitivity")
        for row in counts_by(patients, name):
            reach, hit = row["reach_rule"], row["suggested"]
            share = f"{hit / reach:11.2f}" if reach else "          -"
            told = f"{row[name]!s:>12} {row['spheres']:7d} {row['found']:6d}"
            print(f"{told} {reach:11d} {hit:10d}  {share}")
    false = [
        sum(row.included and row.number not in one.right for row in one.report.rows)
        for one in patients
    ]
    print(f"\nfalse rows suggested per patient: mean {np.mean(false):.2f}, most {max(false)}")
    for name in ("dice", "fpv_ml", "fnv_ml"):
        values = [getattr(one, name) for one in patients]
        print(f"{name} of a patient: mean {np.mean(values):.3g}, median {np.median(values):.3g}")


def tell_classes(patients: list[Patient]) -> None:
    """What every row above the rule that is no sphere was taken for."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for one in patients:
        for row in one.report.rows:
            if row.found_by == "rule":
                organ = "sphere" if row.number in one.right else one.organs[row.number]
                table[organ][row.class_key] += 1
    classes = sorted({key for row in table.values() for key in row})
    short = [key[:9] for key in classes]
    print("\nrows above the rule: what lies at their hottest voxel, and the class they got")
    print(f"{'':>34} " + " ".join(f"{key:>9}" for key in short))
    for organ in sorted(table):
        print(f"{organ:>34} " + " ".join(f"{table[organ][key]:9d}" for key in classes))


def tell_learning(patients: list[Patient], half: int) -> None:
    """FROC by hand weights on all; by hand and by learned weights on the second half."""
    hand = hand_scoring()
    print("\nFROC: sensitivity (spheres that reach the rule) at false rows per patient")
    print(f"{'':>44} " + " ".join(f"{one:>6}" for one in FALSE_PER_PATIENT))

    def line(name: str, values: list[float]) -> None:
        print(f"{name:>44} " + " ".join(f"{one:6.2f}" for one in values))

    line("suggested rows, hand weights", froc(patients, hand, suggested=True))
    line("all rows, hand weights", froc(patients, hand, suggested=False))
    early = [one for one in patients if one.seed <= half]
    late = [one for one in patients if one.seed > half]
    try:
        learned = fit(labels_of(early))
    except Refused as refusal:
        print(refusal)
        return
    unseen = labels_of(late)
    truth = np.array([one.accepted for one in unseen])
    counts = np.array([one.suggested for one in unseen])
    print(f"\n{learned.scoring.source}")
    print(f"cross-validated AUC {learned.auc:.3f}, hand {learned.hand_auc:.3f}, findings"
          f" {[one.key for one in learned.findings]}")  # fmt: skip
    print("weights " + ", ".join(f"{k} {v:.2f}" for k, v in learned.scoring.weights.items()))
    print(f"on the other {len({one.seed for one in late})} phantoms, {len(unseen)} rows:")
    for name, scoring in (("hand", hand), ("learned", learned.scoring)):
        rated = np.array([scoring.score(one.features) for one in unseen])
        print(
            f"AUC of {name} weights: suggested rows {auc(rated[counts], truth[counts]):.3f},"
            f" all rows {auc(rated, truth):.3f}"
        )
        line(f"suggested rows, {name} weights", froc(late, scoring, suggested=True))
        line(f"all rows, {name} weights", froc(late, scoring, suggested=False))


def main(phantoms: int = 2, rounds: int = 1, target: str = "") -> None:
    """Run and print."""
    patients = []
    for seed in range(1, phantoms + 1):
        pair = make_fdg_phantom(seed, lesions=())
        patients += [examine(seed, number, pair) for number in range(rounds)]
        print(f"phantom {seed} of {phantoms}", file=sys.stderr, flush=True)
    times = [one.seconds for one in patients]
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(
        f"{phantoms} phantoms, {len(patients)} patients, {len(patients) * PER_ROUND} spheres, F4.0"
    )
    tell_detection(patients)
    tell_classes(patients)
    tell_learning(patients, phantoms // 2)
    print(f"\nreport in s: median {np.median(times):.2f}, largest {np.max(times):.2f}")
    if target:
        write_json(patients, phantoms // 2, Path(target))


if __name__ == "__main__":
    main(*(int(one) for one in sys.argv[1:3]), *sys.argv[3:4])
