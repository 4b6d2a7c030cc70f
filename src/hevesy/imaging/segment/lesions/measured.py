"""What the columns of the lesion table are, and the same table in another SUV."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify import peak as peaks
from hevesy.imaging.quantify import shape, statistics
from hevesy.imaging.segment.lesions.references import Reference

if TYPE_CHECKING:
    from hevesy.imaging.segment.lesions.report import LesionReport


def columns() -> list[dict[str, str]]:
    """Method, version and source of the numbers of a row."""
    rule = peaks.RULES[peaks.DEFAULT]
    told = (
        (
            "suv_max, suv_mean, suv_std, mtv_ml, tlg_ml",
            statistics.METHOD,
            statistics.VERSION,
            statistics.SOURCE,
        ),
        ("suv_peak", f"{rule.key}: {rule.text_en}", peaks.VERSION, rule.source),
        (
            "long_axis_mm, in_plane_long_mm, in_plane_short_mm, extent_*_mm",
            shape.METHOD,
            shape.VERSION,
            shape.SOURCE,
        ),
    )
    return [
        {"columns": names, "method": method, "version": version, "source": source}
        for names, method, version, source in told
    ]


def measured_in(report: LesionReport, volume: Volume, ratio: float) -> LesionReport:
    """The same lesions measured in another SUV, such as SUL.

    volume: the PET in that SUV. ratio: that SUV over the one they were found in. Regions, classes,
    places, features and the level of the rule stay those of the SUV that they were found in: its
    cut-offs are defined in it.
    """

    def scaled(one: Reference | None) -> Reference | None:
        if one is None:
            return None
        return replace(one, units=volume.units, mean=one.mean * ratio, std=one.std * ratio)

    rows = tuple(
        replace(
            row,
            statistics=statistics.statistics(volume, row.voi),
            peak=peaks.peak(volume, row.voi),
        )
        for row in report.rows
    )
    return replace(
        report,
        rows=rows,
        units=volume.units,
        liver=scaled(report.liver),
        blood_pool=scaled(report.blood_pool),
    )
