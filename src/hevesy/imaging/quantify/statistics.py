"""First-order statistics of a volume of interest, its volume and its total glycolysis.

Every voxel of the region counts once; nothing is interpolated. The standard deviation is that of
the population (divisor n), as IBSI defines variance. Percentiles are linear between order
statistics. Source: Image Biomarker Standardisation Initiative, reference manual, intensity-based
statistical features and volume (voxel counting). Clauses 6.15, 6.16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.voi import Voi

VERSION: Final = "hevesy-statistics/1"
METHOD: Final = "all voxels of the region, no interpolation; population SD; volume by voxel count"
SOURCE: Final = (
    "IBSI reference manual (Zwanenburg et al., Radiology 2020): 3.3 intensity-based statistics, 3.1.2"
    " volume by voxel counting; TLG: Larson et al., Clin Positron Imaging 1999"
)
Point = tuple[float, float, float]


def is_suv(units: str) -> bool:
    """Whether the values are standardised uptake values (SUVbw, SUVlbm, SUL, …)."""
    return units.upper().startswith("SU")


@dataclass(frozen=True, slots=True)
class VoiStatistics:
    """What was measured, in `units`.

    volume_ml of a metabolic region is its MTV. TLG = mean * volume is given for SUV only; its
    name says of which SUV.
    """

    units: str
    voxels: int
    volume_ml: float
    max: float
    max_at_lps: Point
    mean: float
    std: float
    min: float
    median: float
    p10: float
    p25: float
    p75: float
    p90: float
    centroid_lps: Point
    method: str = METHOD
    version: str = VERSION
    source: str = SOURCE

    @property
    def cov(self) -> float | None:
        """Coefficient of variation std / mean; None where the mean is not positive."""
        return self.std / self.mean if self.mean > 0 else None

    @property
    def tlg_name(self) -> str | None:
        """Name of the glycolysis, such as "TLG_SUVbw"; None if the values are no SUV."""
        return f"TLG_{self.units}" if is_suv(self.units) else None

    @property
    def tlg(self) -> float | None:
        """Total lesion glycolysis in SUV * mL; None if the values are no SUV."""
        return self.mean * self.volume_ml if is_suv(self.units) else None

    def as_json(self) -> dict[str, Any]:
        """Plain mapping; values are in `units` unless the key says otherwise."""
        answer: dict[str, Any] = {
            "units": self.units,
            "voxels": self.voxels,
            "volume_ml": self.volume_ml,
            "max": self.max,
            "max_at_lps_mm": list(self.max_at_lps),
            "mean": self.mean,
            "std": self.std,
            "min": self.min,
            "median": self.median,
            "p10": self.p10,
            "p25": self.p25,
            "p75": self.p75,
            "p90": self.p90,
            "cov": self.cov,
            "centroid_lps_mm": list(self.centroid_lps),
            "method": self.method,
            "version": self.version,
            "source": self.source,
        }
        if self.tlg is not None:
            answer |= {"mtv_ml": self.volume_ml, f"{self.tlg_name}_ml": self.tlg}
        return answer


def statistics(volume: Volume, voi: Voi) -> VoiStatistics:
    """Measure a region. Raises `Refused` if it is empty or on another grid."""
    values = voi.values(volume)
    index = voi.index_kji[:, ::-1]
    p10, p25, median, p75, p90 = np.percentile(values, (10, 25, 50, 75, 90))
    return VoiStatistics(
        units=volume.units,
        voxels=len(values),
        volume_ml=len(values) * volume.voxel_mm3 / 1000.0,
        max=float(values.max()),
        max_at_lps=_point(volume.world(index[int(np.argmax(values))])),
        mean=float(values.mean()),
        std=float(values.std()),
        min=float(values.min()),
        median=float(median),
        p10=float(p10),
        p25=float(p25),
        p75=float(p75),
        p90=float(p90),
        centroid_lps=_point(volume.world(index.mean(axis=0))),
    )


@dataclass(frozen=True, slots=True)
class TumourBurden:
    """Sums over the lesions of a patient, all in SUV of one kind.

    dmax_mm: largest distance of two lesions' centroids, None for fewer than two.
    hottest_number, largest_number: numbers of the lesions' rows in their table, from 1.
    """

    units: str
    lesions: int
    tmtv_ml: float
    ttlg: float
    dmax_mm: float | None
    max: float | None
    hottest_number: int | None
    largest_number: int | None
    method: str = "sums over the lesions; Dmax between centroids of lesions, all voxels equal"
    version: str = "hevesy-tumour-burden/1"
    source: str = (
        "MTV and TLG: Larson et al., Clin Positron Imaging 1999; Dmax: Cottereau et al., J Nucl Med"
        " 2020"
    )

    def as_json(self) -> dict[str, Any]:
        """Plain mapping; the name of the glycolysis says of which SUV."""
        return {
            "units": self.units,
            "lesions": self.lesions,
            "tmtv_ml": self.tmtv_ml,
            f"TTLG_{self.units}_ml": self.ttlg,
            "dmax_mm": self.dmax_mm,
            "max": self.max,
            "hottest_number": self.hottest_number,
            "largest_number": self.largest_number,
            "method": self.method,
            "version": self.version,
            "source": self.source,
        }


def tumour_burden(
    lesions: Sequence[VoiStatistics], *, units: str, numbers: Sequence[int] | None = None
) -> TumourBurden:
    """Sums over lesions; an empty list is a burden of zero.

    numbers: of the lesions' rows in their table, by default 1, 2, …. Raises ValueError if `units`
    is no SUV or a lesion was measured in others.
    """
    if not is_suv(units) or any(lesion.units != units for lesion in lesions):
        raise ValueError(f"tumour burden needs lesions in one kind of SUV, asked: {units}")
    centres = np.array([lesion.centroid_lps for lesion in lesions]).reshape(-1, 3)
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    rows = list(zip(numbers or range(1, len(lesions) + 1), lesions, strict=True))
    hottest = max(rows, key=lambda row: row[1].max, default=None)
    largest = max(rows, key=lambda row: row[1].volume_ml, default=None)
    return TumourBurden(
        units=units,
        lesions=len(lesions),
        tmtv_ml=float(sum(lesion.volume_ml for lesion in lesions)),
        ttlg=float(sum(lesion.mean * lesion.volume_ml for lesion in lesions)),
        dmax_mm=float(apart.max()) if len(lesions) > 1 else None,
        max=None if hottest is None else hottest[1].max,
        hottest_number=None if hottest is None else hottest[0],
        largest_number=None if largest is None else largest[0],
    )


def _point(place: Any) -> Point:
    return float(place[0]), float(place[1]), float(place[2])
