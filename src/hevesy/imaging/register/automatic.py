"""Registration of two volumes by their content: rigid, affine (CT to CT), deformable (for display).

Method: mutual information, several starts along the body, three resolutions, once from each side;
the answer is the middle of both where they agree. The settings and where they were measured stand
in docs/imaging/registration.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Volume
from hevesy.imaging.register import gates
from hevesy.imaging.register.matrices import Matrix, inverse, is_rigid, midway, moved
from hevesy.imaging.register.prepare import Mask, Prepared, halved, prepared
from hevesy.imaging.register.refusal import refused
from hevesy.imaging.register.result import AFFINE, DEFORMABLE, HARDWARE, RIGID, Registration
from hevesy.imaging.register.search import Found, Images, Level, NothingInCommon, best_of

Progress = Callable[[float, str], None]
Box = tuple[tuple[float, float, float], tuple[float, float, float]]

SOURCE: Final = "Mattes 2003 mutual information; gates: hevesy, docs/imaging/registration.md"
# Torsos are compared at 16, 8 and 4 mm, heads and limbs at half of that.
_LARGE_ML: Final = 8000.0
# A whole body at 2 mm would take gigabytes, whatever small thing is to be found in it.
_LARGEST_ML: Final = 20000.0
_TORSO_MM: Final = 4.0
_START_STEP_MM: Final = 50.0
_LEAST_REACH_MM: Final = 100.0
_MOST_STARTS: Final = 31
_KEPT: Final = 2
# Ends this many coarse voxels from each other are different places.
_APART: Final = 1.5
# The answer is compared with places this many fine voxels beside it.
_BESIDE: Final = 8.0


def register(
    fixed: Volume,
    moving: Volume,
    *,
    method: str = RIGID,
    initial: npt.ArrayLike | None = None,
    region_lps: Box | None = None,
    trust_frame: bool = True,
    finest_mm: float | None = None,
    seed: int = 42,
    progress: Progress | None = None,
) -> Registration:
    """Find where `moving` lies on `fixed`.

    fixed, moving: PET, SPECT, CT or MR of any geometry. method: "rigid"; "affine", CT to CT alone;
    "deformable", rigid with a deformation for display. initial: a rigid 4x4 moving to fixed in LPS
    mm to start from ("auto from here") instead of searching along the body. region_lps: lower and
    upper corner in the fixed frame; only that part of the fixed volume is to fit. trust_frame:
    volumes that state the same Frame of Reference are taken as aligned by the machine and not
    searched. finest_mm: of the three working resolutions (a factor of 2 between them); by default
    4 mm, 2 mm where the smaller body is below 8 litres. progress: called with a fraction and a
    sentence. The same seed gives the same matrix, to the last bit. Raises `RegistrationRefused`.
    """
    if method not in (RIGID, AFFINE, DEFORMABLE):
        raise refused("unknown_method", method)
    if method == AFFINE and (fixed.modality, moving.modality) != ("CT", "CT"):
        raise refused("affine_only_ct", f"{moving.modality} to {fixed.modality}")
    if initial is not None and not is_rigid(initial):
        raise refused("not_rigid")
    frames = (fixed.frame_of_reference_uid, moving.frame_of_reference_uid)
    if trust_frame and initial is None and frames[0] and frames[0] == frames[1]:
        return Registration(
            np.eye(4), HARDWARE, source="same Frame of Reference UID (0020,0052)",
            fixed_frame_of_reference_uid=frames[0], moving_frame_of_reference_uid=frames[1],
        )  # fmt: skip
    search = _Search(fixed, moving, region_lps, finest_mm, seed, progress)
    start = None if initial is None else inverse(np.asarray(initial, dtype=np.float64))
    found = search.rigid(start)
    if region_lps is not None:
        found = search.regional(found)
    if method == AFFINE:
        found = search.affine(found)
    elif method == DEFORMABLE:
        from hevesy.imaging.register.deformable import deformed

        search.tell(0.9, "deformable, for display")
        found = deformed(found, search.pyramid[1], search.where[1])
    search.tell(1.0, found.label)
    return replace(
        found, fixed_frame_of_reference_uid=frames[0], moving_frame_of_reference_uid=frames[1]
    )


class _Search:
    """The two volumes at three resolutions, and the way through them."""

    def __init__(
        self,
        fixed: Volume,
        moving: Volume,
        region: Box | None,
        finest_mm: float | None,
        seed: int,
        progress: Progress | None,
    ) -> None:
        self.seed, self.progress = seed, progress
        self.done, self.steps, self.fraction = 0, 20, 0.0
        self.tell(0.0, "preparing the volumes")

        def both(spacing_mm: float) -> tuple[Prepared, Prepared]:
            return prepared(fixed, spacing_mm=spacing_mm), prepared(moving, spacing_mm=spacing_mm)

        # Masks are made once, at the finest spacing: a chest wall is thinner than a coarse voxel.
        finest = both(finest_mm or _TORSO_MM)
        bodies_ml = [p.body.sum() * p.spacing_mm**3 / 1000.0 for p in finest]
        if finest_mm is None and min(bodies_ml) < _LARGE_ML and max(bodies_ml) < _LARGEST_ML:
            finest = both(_TORSO_MM / 2.0)
        middle = halved(finest[0]), halved(finest[1])
        coarse = halved(middle[0]), halved(middle[1])
        self.pyramid = [coarse, middle, finest]
        self.levels = _levels(finest[0].spacing_mm)
        self.where = [_within(pair[0], region) for pair in self.pyramid]
        if not all(where.any() for where in self.where):
            raise refused("region_empty")
        self.beside_mm = _BESIDE * self.levels[2].spacing_mm

    def rigid(self, start: Matrix | None) -> Registration:
        """Search from both sides and judge."""
        if start is not None and self._overlap(start) <= 0.0:
            raise refused("no_overlap")
        starts = self._starts() if start is None else [start]
        self.steps = 2 * (len(starts) + _KEPT + 1) + 1
        forward = self._climb(starts, back=False)
        # The way back starts from its own guesses, or the gate would ask the answer about itself.
        backward = self._climb([inverse(s) for s in starts], back=True)
        points = self.pyramid[0][0].points(self.pyramid[0][0].body)
        ways = forward.fixed_to_moving, backward.fixed_to_moving
        if gates.inconsistency_mm(points, *ways) >= gates.MOST_INCONSISTENCY_MM:
            ways = self._reconsidered(forward, backward)
        return self._judged(*ways, points, self._images(1, back=False), None)

    def regional(self, whole: Registration) -> Registration:
        """Let the region alone decide the last millimetres, from where the whole body lies."""
        start = whole.fixed_to_moving
        ways = []
        for back in (False, True):
            end = inverse(start) if back else start
            for n in (1, 2):
                self.tell(0.9, f"the region, {self.levels[n].spacing_mm:g} mm")
                images = self._regional_images(n, start, back=back)
                end = _climbed_on(images, end, self.levels[n], self.seed + back)
            ways.append(end)
        points = self.pyramid[1][0].points(self.where[1])
        images = self._regional_images(1, start, back=False)
        # The region began at the answer of the body, so it can be no surer than that.
        return self._judged(
            ways[0], ways[1], points, images, self.where[0], doubt_mm=whole.consistency_mm or 0.0
        )

    def _judged(
        self,
        forward: Matrix,
        backward: Matrix,
        points: Matrix,
        images: Images,
        where: Mask | None,
        *,
        doubt_mm: float = 0.0,
    ) -> Registration:
        """The middle of both ways, if they agree, and the gates."""
        off_mm = gates.inconsistency_mm(points, forward, backward)
        answer = forward
        if off_mm < gates.MOST_INCONSISTENCY_MM:
            answer = midway(answer, inverse(backward), about_lps=points.mean(axis=0))
        off_mm = max(off_mm, doubt_mm)
        share = self._overlap(answer, where)
        self._step("judging")
        try:
            here = images.mutual_information(answer)
        except NothingInCommon as error:
            raise refused("no_match") from error
        height = here / gates.rival(images, answer, beside_mm=self.beside_mm)
        return Registration(
            inverse(answer),
            RIGID,
            gates=(
                gates.overlap_gate(share),
                gates.peak_gate(height, self.beside_mm),
                gates.consistency_gate(off_mm),
            ),
            mutual_information_nat=here,
            consistency_mm=off_mm,
            overlap=share,
            source=SOURCE,
        )

    def affine(self, rigid: Registration) -> Registration:
        """Refine a rigid answer by scale and shear, and refuse to believe much of them."""
        end = rigid.fixed_to_moving
        for n in (1, 2):
            self.tell(0.9, f"affine, {self.levels[n].spacing_mm:g} mm")
            images = self._images(n, back=False)
            end = _climbed_on(images, end, self.levels[n], self.seed, affine=True)
        return replace(
            rigid,
            moving_to_fixed=inverse(end),
            method=AFFINE,
            gates=rigid.gates + gates.affine_gates(end),
            mutual_information_nat=self._images(1, back=False).mutual_information(end),
        )

    def _reconsidered(self, forward: Found, backward: Found) -> tuple[Matrix, Matrix]:
        """Each side tries the end of the other and keeps the better of the two."""
        ends = []
        for own, other, back in ((forward, backward, False), (backward, forward, True)):
            self.tell(0.9, "the two sides differ: each tries the place of the other")
            tried, start = own, inverse(other.fixed_to_moving)
            try:
                for n in (1, 2):
                    images = self._images(n, back=back)
                    tried = images.climbed(start, self.levels[n], seed=self.seed + 7)
                    start = tried.fixed_to_moving
            except NothingInCommon:
                tried = own
            ends.append(self._ranked([own, tried], back=back)[0].fixed_to_moving)
        return ends[0], ends[1]

    def _climb(self, starts: list[Matrix], *, back: bool) -> Found:
        """Coarse to fine from one side."""
        side = "from the other side, " if back else ""
        seed = self.seed + (1000 if back else 0)

        def best(n: int, places: list[Matrix]) -> list[Found]:
            return best_of(
                self._images(n, back=back),
                places,
                self.levels[n],
                seed=seed,
                tell=lambda text: self._step(side + text),
            )

        middle = self._ranked(best(1, self._kept(best(0, starts), back=back)), back=back)
        if not middle:
            raise refused("no_match")
        return (best(2, [middle[0].fixed_to_moving]) or middle)[0]

    def _ranked(self, ends: list[Found], *, back: bool) -> list[Found]:
        """Best first: mutual information alone would prize a few well-matched slices at the edge."""

        def worth(end: Found) -> float:
            matrix = end.fixed_to_moving
            return end.mutual_information * self._overlap(inverse(matrix) if back else matrix)

        return sorted(ends, key=worth, reverse=True)

    def _kept(self, ends: list[Found], *, back: bool) -> list[Matrix]:
        """The best few that are different places, not one place found twice."""
        grid = self.pyramid[0][back]
        points = grid.points(grid.body)
        kept: list[Matrix] = []
        for end in self._ranked(ends, back=back):
            place = moved(end.fixed_to_moving, points)
            apart = [float(np.abs(moved(k, points) - place).max()) for k in kept]
            if min(apart, default=np.inf) > _APART * self.levels[0].spacing_mm:
                kept.append(end.fixed_to_moving)
        return kept[:_KEPT]

    def _images(self, n: int, *, back: bool) -> Images:
        fixed, moving = self.pyramid[n]
        return Images(moving, fixed) if back else Images(fixed, moving)

    def _regional_images(self, n: int, fixed_to_moving: Matrix, *, back: bool) -> Images:
        fixed, moving = self.pyramid[n]
        if not back:
            return Images(fixed, moving, where=self.where[n])
        chosen = np.zeros_like(moving.body)
        places = moved(inverse(fixed_to_moving), moving.points(moving.body))
        chosen[moving.body] = fixed.holds(places, self.where[n])
        if not chosen.any():
            raise refused("region_empty")
        return Images(moving, fixed, where=chosen)

    def _overlap(self, fixed_to_moving: Matrix, where: Mask | None = None) -> float:
        fixed, moving = self.pyramid[0]
        return gates.overlap(fixed, moving, fixed_to_moving, fixed.body if where is None else where)

    def _starts(self) -> list[Matrix]:
        """Body on body, and shifted along the patient as far as the shorter may lie in the longer."""
        fixed, moving = self.pyramid[0]
        scale = self.levels[2].spacing_mm / _TORSO_MM
        step = _START_STEP_MM * min(scale, 1.0)
        lengths = [float(np.ptp(p.points(p.body)[:, 2])) for p in (fixed, moving)]
        reach = max(_LEAST_REACH_MM * min(scale, 1.0), abs(lengths[0] - lengths[1]) / 2.0)
        count = min(int(np.ceil(reach / step - 1e-9)), _MOST_STARTS // 2)
        step = max(step, reach / count)
        starts = []
        for n in sorted(range(-count, count + 1), key=abs):
            start = np.eye(4)
            start[:3, 3] = moving.centroid_lps - fixed.centroid_lps
            start[2, 3] += n * step
            starts.append(start)
        return starts

    def _step(self, text: str) -> None:
        self.tell(min(0.05 + 0.85 * self.done / self.steps, 0.9), text)
        self.done += 1

    def tell(self, fraction: float, text: str) -> None:
        """Report progress, which never goes back."""
        self.fraction = max(self.fraction, fraction)
        if self.progress is not None:
            self.progress(self.fraction, text)


def _climbed_on(
    images: Images, start: Matrix, level: Level, seed: int, *, affine: bool = False
) -> Matrix:
    try:
        return images.climbed(start, level, seed=seed, affine=affine).fixed_to_moving
    except NothingInCommon as error:
        raise refused("no_match") from error


def _levels(finest_mm: float) -> tuple[Level, Level, Level]:
    """Coarse, middle, fine; measured on 30 generated torsos (docs/imaging/registration.md)."""
    s = finest_mm
    # Coarser than usual there are few voxels, and more of them are needed.
    few = max(1.0, s / _TORSO_MM) ** 2
    return (
        Level(4 * s, 1.0, 2.0 * s, 0.05 * s, 100),
        Level(2 * s, min(1.0, 0.5 * few), 1.0 * s, 0.0125 * s, 120),
        Level(s, min(1.0, 0.1 * few), 0.5 * s, 0.0125 * s, 40),
    )


def _within(fixed: Prepared, region: Box | None) -> Mask:
    if region is None:
        return fixed.body
    low, high = np.minimum(*region), np.maximum(*region)
    index = np.indices(fixed.body.shape)[::-1]
    inside = np.ones_like(fixed.body)
    for axis in range(3):
        place = fixed.origin_mm[axis] + fixed.spacing_mm * index[axis]
        inside &= (place >= low[axis]) & (place <= high[axis])
    return fixed.body & inside
