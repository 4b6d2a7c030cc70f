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
from hevesy.imaging.register.prepare import Mask, Prepared, prepared
from hevesy.imaging.register.refusal import refused
from hevesy.imaging.register.result import AFFINE, DEFORMABLE, HARDWARE, RIGID, Registration
from hevesy.imaging.register.search import Found, Images, Level, best_of

Progress = Callable[[float, str], None]
Box = tuple[tuple[float, float, float], tuple[float, float, float]]

SOURCE: Final = "Mattes 2003 mutual information (SimpleITK); gates: hevesy, docs/imaging/registration.md"
# Torsos are compared at 16, 8 and 4 mm, heads and limbs at half of that.
_LARGE_ML: Final = 8000.0
_TORSO_MM: Final = 4.0
_START_STEP_MM: Final = 50.0
_LEAST_REACH_MM: Final = 100.0
_MOST_STARTS: Final = 31
_KEPT: Final = 2
# Ends this many coarse voxels from each other are different places.
_APART: Final = 1.5


def register(
    fixed: Volume,
    moving: Volume,
    *,
    method: str = RIGID,
    initial: npt.ArrayLike | None = None,
    region_lps: Box | None = None,
    trust_frame: bool = True,
    seed: int = 42,
    progress: Progress | None = None,
) -> Registration:
    """Find where `moving` lies on `fixed`.

    fixed, moving: PET, SPECT, CT or MR of any geometry. method: "rigid"; "affine", CT to CT alone;
    "deformable", rigid with a deformation for display. initial: a rigid 4x4 moving to fixed in LPS
    mm to start from ("auto from here") instead of searching along the body. region_lps: lower and
    upper corner in the fixed frame; only that part of the fixed volume is to fit. trust_frame:
    volumes that state the same Frame of Reference are taken as aligned by the machine and not
    searched. progress: called with a fraction and a sentence. The same seed and thread count give
    the same matrix. Raises `RegistrationRefused`.
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
    search = _Search(fixed, moving, region_lps, seed, progress or (lambda fraction, text: None))
    start = None if initial is None else inverse(np.asarray(initial, dtype=np.float64))
    found = search.rigid(start)
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
        self, fixed: Volume, moving: Volume, region: Box | None, seed: int, progress: Progress
    ) -> None:
        self.seed, self.tell = seed, progress
        self.done, self.steps = 0, 20
        self.tell(0.0, "preparing the volumes")
        rough = [prepared(v, spacing_mm=4 * _TORSO_MM) for v in (fixed, moving)]
        small = min(p.body.sum() * p.spacing_mm**3 / 1000.0 for p in rough) < _LARGE_ML
        finest = _TORSO_MM / 2.0 if small else _TORSO_MM
        self.levels = _levels(finest)
        self.pyramid: list[tuple[Prepared, Prepared]] = []
        for level in self.levels:
            if level.spacing_mm == 4 * _TORSO_MM:
                self.pyramid.append((rough[0], rough[1]))
            else:
                a, b = (prepared(v, spacing_mm=level.spacing_mm) for v in (fixed, moving))
                self.pyramid.append((a, b))
        self.where = [_within(pair[0], region) for pair in self.pyramid]
        self.region = region is not None
        if not self.where[1].any():
            raise refused("region_empty")
        self.beside_mm = 8.0 * finest

    def rigid(self, start: Matrix | None) -> Registration:
        """Search from both sides and judge."""
        if start is not None and self._overlap(start) <= 0.0:
            raise refused("no_overlap")
        starts = self._starts() if start is None else [start]
        self.steps = 2 * (len(starts) + _KEPT + 1) + 1
        forward = self._climb(starts, back=False)
        # The way back starts from its own guesses, or the gate would ask the answer about itself.
        ends = [inverse(s) for s in starts]
        backward = self._climb(ends, back=True, near=forward.fixed_to_moving)
        points = self.pyramid[0][0].points(self.where[0])
        off_mm = gates.inconsistency_mm(points, forward.fixed_to_moving, backward.fixed_to_moving)
        if off_mm >= gates.MOST_INCONSISTENCY_MM:
            forward, backward = self._reconsidered(forward, backward)
            off_mm = gates.inconsistency_mm(
                points, forward.fixed_to_moving, backward.fixed_to_moving
            )
        answer = forward.fixed_to_moving
        if off_mm < gates.MOST_INCONSISTENCY_MM:
            answer = midway(
                answer, inverse(backward.fixed_to_moving), about_lps=points.mean(axis=0)
            )
        share = self._overlap(answer)
        self._step("judging")
        images = self._images(1, back=False)
        height = gates.peak(images, answer, beside_mm=self.beside_mm)
        return Registration(
            inverse(answer),
            RIGID,
            gates=(
                gates.overlap_gate(share),
                gates.peak_gate(height, self.beside_mm),
                gates.consistency_gate(off_mm),
            ),
            mutual_information_nat=images.mutual_information(answer),
            consistency_mm=off_mm,
            overlap=share,
            source=SOURCE,
        )

    def affine(self, rigid: Registration) -> Registration:
        """Refine a rigid answer by scale and shear, and refuse to believe much of them."""
        end = rigid.fixed_to_moving
        for n in (1, 2):
            self.tell(0.9, f"affine, {self.levels[n].spacing_mm:g} mm")
            end = self._images(n, back=False).climbed(
                end, self.levels[n], seed=self.seed, affine=True
            ).fixed_to_moving  # fmt: skip
        return replace(
            rigid,
            moving_to_fixed=inverse(end),
            method=AFFINE,
            gates=rigid.gates + gates.affine_gates(end),
            mutual_information_nat=self._images(1, back=False).mutual_information(end),
        )

    def _reconsidered(self, forward: Found, backward: Found) -> tuple[Found, Found]:
        """Each side tries the end of the other and keeps the better of the two."""
        ends = []
        for own, other, back in ((forward, backward, False), (backward, forward, True)):
            tried = [own]
            for n in (1, 2):
                images = self._images(n, back=back, near=forward.fixed_to_moving)
                start = inverse(other.fixed_to_moving) if n == 1 else tried[-1].fixed_to_moving
                self.tell(0.9, f"the two sides differ, trying again at {self.levels[n].spacing_mm:g} mm")
                try:
                    tried.append(images.climbed(start, self.levels[n], seed=self.seed + 7))
                except RuntimeError:
                    break
            # Compared on the same voxels: each end at the finest spacing, the first and the last.
            ends.append(self._ranked([own, tried[-1]], back=back)[0])
        return ends[0], ends[1]

    def _climb(
        self, starts: list[Matrix], *, back: bool, near: Matrix | None = None
    ) -> Found:
        """Coarse to fine from one side; `near`: forward answer, to carry the region over."""
        side = "from the other side, " if back else ""
        seed = self.seed + (1000 if back else 0)
        rough = best_of(
            self._images(0, back=back, near=near), starts, self.levels[0],
            seed=seed, tell=lambda text: self._step(side + text),
        )  # fmt: skip
        kept = self._kept(rough, back=back)
        middle = best_of(
            self._images(1, back=back, near=near), kept, self.levels[1],
            seed=seed, tell=lambda text: self._step(side + text),
        )  # fmt: skip
        middle = self._ranked(middle, back=back)
        if not middle:
            raise refused("no_match")
        self._step(f"{side}{self.levels[2].spacing_mm:g} mm")
        try:
            return self._images(2, back=back, near=near).climbed(
                middle[0].fixed_to_moving, self.levels[2], seed=seed
            )
        except RuntimeError:
            return middle[0]

    def _ranked(self, ends: list[Found], *, back: bool) -> list[Found]:
        """Best first: mutual information alone would prize a few well-matched slices at the edge."""

        def worth(end: Found) -> float:
            matrix = end.fixed_to_moving
            return end.mutual_information * self._overlap(inverse(matrix) if back else matrix)

        return sorted(ends, key=worth, reverse=True)

    def _kept(self, ends: list[Found], *, back: bool) -> list[Matrix]:
        """The best few that are different places, not one place found twice."""
        grid, where = self.pyramid[0][back], self.where[0]
        points = grid.points(grid.body if back else where)
        kept: list[Matrix] = []
        for end in self._ranked(ends, back=back):
            place = moved(end.fixed_to_moving, points)
            apart = [float(np.abs(moved(k, points) - place).max()) for k in kept]
            if min(apart, default=np.inf) > _APART * self.levels[0].spacing_mm:
                kept.append(end.fixed_to_moving)
        return kept[:_KEPT]

    def _images(self, n: int, *, back: bool, near: Matrix | None = None) -> Images:
        fixed, moving = self.pyramid[n]
        if not back:
            return Images(fixed, moving, where=self.where[n])
        where = None
        if self.region and near is not None:
            points = moving.points(moving.body)
            chosen = np.zeros_like(moving.body)
            chosen[moving.body] = fixed.holds(moved(inverse(near), points), self.where[n])
            where = chosen if chosen.any() else None
        return Images(moving, fixed, where=where)

    def _overlap(self, fixed_to_moving: Matrix) -> float:
        fixed, moving = self.pyramid[0]
        return gates.overlap(fixed, moving, fixed_to_moving, self.where[0])

    def _starts(self) -> list[Matrix]:
        """Body on body, and shifted along the patient as far as the shorter may lie in the longer."""
        fixed, moving = self.pyramid[0]
        scale = self.levels[2].spacing_mm / _TORSO_MM
        step = _START_STEP_MM * scale
        lengths = [float(np.ptp(p.points(p.body)[:, 2])) for p in (fixed, moving)]
        reach = max(_LEAST_REACH_MM * scale, abs(lengths[0] - lengths[1]) / 2.0)
        count = min(int(np.ceil(reach / step - 1e-9)), _MOST_STARTS // 2)
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


def _levels(finest_mm: float) -> tuple[Level, Level, Level]:
    """Coarse, middle, fine; measured on 30 generated torsos (docs/imaging/registration.md)."""
    s = finest_mm
    return (
        Level(4 * s, 1.0, 2.0 * s, 0.05 * s, 100),
        Level(2 * s, 0.5, 1.0 * s, 0.0125 * s, 120),
        Level(s, 0.1, 0.5 * s, 0.0125 * s, 40),
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
