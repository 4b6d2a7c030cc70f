"""What is left in a batch: activity and volume, both judged at one moment (clause 9.1; reliability H2, H6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hevesy.imaging.quantify.decay import activity_at
from hevesy.records.doses.models import Assay, Batch, DispensedUnit


@dataclass(frozen=True, slots=True)
class Remaining:
    """What the vial still holds at `at`. Activities in MBq, volumes in mL, concentration in MBq/mL."""

    at: datetime
    activity_mbq: float
    volume_ml: float
    drawn_mbq: float
    drawn_ml: float
    produced_mbq: float

    @property
    def concentration_mbq_per_ml(self) -> float:
        """Activity per volume as made; drawing does not change it."""
        total = self.volume_ml + self.drawn_ml
        return self.produced_mbq / total if total else 0.0


def first_assay(unit: DispensedUnit) -> Assay | None:
    """The reading made when the unit was drawn. Uses prefetched assays."""
    return min(
        (assay for assay in unit.assays.all() if assay.kind == Assay.Kind.PRE),
        key=lambda assay: assay.pk,
        default=None,
    )


def remaining(batch: Batch, units: Iterable[DispensedUnit], at: datetime) -> Remaining:
    """What is left of the batch at `at` after `units` were drawn (each with its assays).

    A returned or discarded unit stays drawn: nothing goes back into a sterile vial.
    """
    drawn_mbq = drawn_ml = 0.0
    for unit in units:
        drawn_ml += float(unit.volume_ml)
        assay = first_assay(unit)
        if assay:
            drawn_mbq += activity_at(
                assay.activity_mbq,
                measured_at=assay.at,
                at=at,
                half_life_s=batch.half_life_s,
            )
    produced = batch.produced_mbq(at)
    return Remaining(
        at=at,
        activity_mbq=max(produced - drawn_mbq, 0.0),
        volume_ml=max(float(batch.volume_ml) - drawn_ml, 0.0),
        drawn_mbq=drawn_mbq,
        drawn_ml=drawn_ml,
        produced_mbq=produced,
    )


@dataclass(frozen=True, slots=True)
class Balance:
    """`received = injected + returned + waste + left` at one moment, all decayed to it, in MBq."""

    produced_mbq: float
    injected_mbq: float
    residual_mbq: float
    returned_mbq: float
    waste_mbq: float
    unused_mbq: float
    left_mbq: float

    @property
    def percent(self) -> float:
        """How much of what was made is accounted for by measurements."""
        known = (
            self.injected_mbq
            + self.residual_mbq
            + self.returned_mbq
            + self.waste_mbq
            + self.unused_mbq
            + self.left_mbq
        )
        return 100.0 * known / self.produced_mbq if self.produced_mbq else 0.0
