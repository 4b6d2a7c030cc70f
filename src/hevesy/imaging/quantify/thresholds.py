"""Where a lesion ends: the rules of metabolic tumour volume, as one table.

Each rule takes a lesion, the region in which it may lie (a drawn region or a component of what is
above some level) and gives its voxels: those of the region at or above the level of the rule that
are connected (26 neighbours) with the hottest voxel. The volume of one patient differs between
rules by a factor of several (PMC9900370): results carry the rule's key and text, reports print
them.

Each rule names its source; `checked` is false where its numbers were not read in the paper itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.lesion import Lesion, References
from hevesy.imaging.quantify.sphere_model import blurred_sphere
from hevesy.imaging.quantify.voi import Mask, Voi
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.components import Components, components_above

VERSION: Final = "hevesy-threshold/1"
Found = tuple[float | None, Mask]


@dataclass(frozen=True, slots=True)
class Rule:
    """One convention; `find` gives the level (None where voxels are judged otherwise) and mask."""

    key: str
    text_en: str
    text_zh: str
    find: Callable[[Lesion, References], Found]
    source: str
    checked: bool = True


@dataclass(frozen=True, slots=True)
class Segmented:
    """The voxels of a lesion by a rule; `level` in `units`, None where the rule has no one level.

    values: what else the rule used (background, peak, iterations).
    """

    voi: Voi
    level: float | None
    units: str
    rule: str
    method: str
    source: str
    checked: bool
    values: Mapping[str, Any] = field(default_factory=dict)
    version: str = VERSION

    def as_json(self) -> dict[str, Any]:
        """Plain mapping, without the voxels; levels and values are in `units`."""
        return {
            "rule": self.rule,
            "level": self.level,
            "units": self.units,
            "voxels": self.voi.voxels,
            "method": self.method,
            "source": self.source,
            "checked": self.checked,
            "values": dict(self.values),
            "version": self.version,
        }


def segment(
    volume: Volume, region: Voi, rule: str, *, references: References | None = None
) -> Segmented:
    """The lesion inside a region by the rule of that key (`RULES`).

    Raises `Refused`: unknown rule, a reference that the rule needs and that is not given, nothing
    at or above the level.
    """
    chosen = RULES.get(rule)
    if chosen is None:
        raise Refused(
            "unknown_threshold_rule",
            f"There is no threshold rule of this name; choose one of {', '.join(RULES)}.",
            f"没有该阈值规则，可选：{'、'.join(RULES)}。",
        )
    given = References() if references is None else references
    lesion = Lesion(volume, region, given.others)
    level, mask = chosen.find(lesion, given)
    if not mask.any():
        raise Refused(
            "nothing_above_threshold",
            "No voxel of the region reaches the threshold of the rule; lower it or choose another"
            " rule.",
            "区域内没有体素达到该规则的阈值，请降低阈值或改用其他规则。",
            f"level {level}",
        )
    return Segmented(
        voi=lesion.voi(mask),
        level=level,
        units=volume.units,
        rule=chosen.key,
        method=chosen.text_en,
        source=chosen.source,
        checked=chosen.checked,
        values=lesion.used,
    )


def start_set(volume: Volume, *, level: float = 4.0, least_ml: float = 3.0) -> Components:
    """What is preselected before a reader removes the physiological: components of that size.

    The rule SUV >= 4.0 and at least 3 mL of lymphoma reading (Burggraaff).
    """
    found = components_above(volume.array, level)
    # A volume of exactly 3 mL counts, whatever the last digit of the voxel size.
    return found.select(found.count * volume.voxel_mm3 / 1000.0 >= least_ml * (1.0 - 1e-9))


def _fixed(level: float) -> Callable[[Lesion, References], Found]:
    return lambda lesion, _: _at(lesion, level)


def _of_maximum(fraction: float) -> Callable[[Lesion, References], Found]:
    return lambda lesion, _: _at(lesion, fraction * lesion.max)


def _at(lesion: Lesion, level: float) -> Found:
    return level, lesion.above(level)


def _half_adapted(lesion: Lesion, _: References) -> Found:
    return _at(lesion, 0.5 * (lesion.max + lesion.background()))


def _half_peak_adapted(lesion: Lesion, _: References) -> Found:
    return _at(lesion, 0.5 * (lesion.peak() + lesion.background()))


def _percist(lesion: Lesion, references: References) -> Found:
    mean, std = references.liver_or_refuse()
    return _at(lesion, 1.5 * mean + 2.0 * std)


def _liver_mean(lesion: Lesion, references: References) -> Found:
    return _at(lesion, references.liver_or_refuse()[0])


def _liver_three_sd(lesion: Lesion, references: References) -> Found:
    mean, std = references.liver_or_refuse()
    return _at(lesion, mean + 3.0 * std)


def _blood_pool(lesion: Lesion, references: References) -> Found:
    mean, std = references.blood_pool_or_refuse()
    return _at(lesion, 2.0 * mean + 2.0 * std)


def _nestle(lesion: Lesion, _: References) -> Found:
    hot = lesion.values[lesion.values >= 0.7 * lesion.max]
    return _at(lesion, 0.15 * float(hot.mean()) + lesion.background())


def _majority(votes: int) -> Callable[[Lesion, References], Found]:
    def find(lesion: Lesion, references: References) -> Found:
        agreeing = np.zeros(lesion.mask.shape, dtype=np.int8)
        for key in ("P41", "A50P", "F2.5", "F4.0"):
            agreeing += RULES[key].find(lesion, references)[1]
        return None, lesion.connected(agreeing >= votes)

    return find


def _iterative(lesion: Lesion, references: References) -> Found:
    """The level at which a blurred sphere's outline is its true radius, for the sphere found.

    A sphere model of its own with the scanner's FWHM; Jentzen's fitted curves are not used.
    """
    fwhm = references.fwhm_or_refuse()
    background = lesion.background()
    level = 0.41 * lesion.max
    for _ in range(50):
        voxels = int(np.count_nonzero(lesion.above(level)))
        radius = (3.0 * max(voxels, 1) * lesion.voxel_mm3 / (4.0 * np.pi)) ** (1.0 / 3.0)
        edge, centre = blurred_sphere([radius, 0.0], radius_mm=radius, fwhm_mm=fwhm)
        away = background + (lesion.max - background) * float(edge / centre) - level
        # Half of the way: a volume in steps of voxels would let the level jump to and fro.
        level += 0.5 * away
        if abs(away) < 1e-3 * lesion.max:
            break
    if abs(away) > 0.02 * lesion.max:
        raise Refused(
            "threshold_not_settled",
            "The iterative threshold does not settle on this lesion; choose another rule.",
            "该病灶的迭代阈值不收敛，请改用其他规则。",
        )
    return _at(lesion, level)


def _gradient(lesion: Lesion, _: References) -> Found:
    from hevesy.imaging.segment.split import gradient_basin

    core = lesion.above(0.7 * lesion.max)
    near = lesion.grown(lesion.above(0.41 * lesion.max), 2)
    return None, lesion.connected(gradient_basin(lesion.crop, core, ~near) & lesion.mask)


_EANM = "Boellaard et al., EANM procedure guidelines for tumour imaging 2.0, 2015"
_VOTES = "Burggraaff, thesis (majority vote of thresholds)"
RULES: Final[Mapping[str, Rule]] = {
    rule.key: rule
    for rule in (
        Rule("F2.5", "SUV >= 2.5", "SUV ≥ 2.5", _fixed(2.5), "long-standing convention"),
        Rule("F4.0", "SUV >= 4.0", "SUV ≥ 4.0", _fixed(4.0), "Burggraaff, thesis, p. 107"),
        Rule("P41", ">= 41 % of SUVmax", "≥ SUVmax 的 41%", _of_maximum(0.41), _EANM),
        Rule("P50", ">= 50 % of SUVmax", "≥ SUVmax 的 50%", _of_maximum(0.5), _EANM),
        Rule(
            "A50",
            ">= half of SUVmax + local background",
            "≥（SUVmax + 局部本底）的一半",
            _half_adapted,
            _EANM,
        ),
        Rule(
            "A50P",
            ">= half of SUVpeak + local background",
            "≥（SUVpeak + 局部本底）的一半",
            _half_peak_adapted,
            _VOTES,
        ),
        Rule(
            "LIV",
            ">= 1.5 x liver mean + 2 SD (PERCIST)",
            "≥ 1.5 × 肝脏均值 + 2 SD（PERCIST）",
            _percist,
            "Wahl et al., J Nucl Med 2009",
            checked=False,
        ),
        Rule("LIVm", ">= liver mean", "≥ 肝脏均值", _liver_mean, "Ilyas et al. 2018"),
        Rule(
            "LIV3",
            ">= liver mean + 3 SD",
            "≥ 肝脏均值 + 3 SD",
            _liver_three_sd,
            "Zhou et al. 2016",
        ),
        Rule(
            "MBP",
            ">= 2.0 x blood pool mean + 2 SD",
            "≥ 2.0 × 血池均值 + 2 SD",
            _blood_pool,
            "Wahl et al., J Nucl Med 2009",
            checked=False,
        ),
        Rule(
            "NESTLE",
            ">= 0.15 x mean of the voxels >= 70 % of SUVmax + local background",
            "≥ 0.15 ×（≥ SUVmax 70% 体素的均值）+ 局部本底",
            _nestle,
            "Nestle et al., J Nucl Med 2005",
            checked=False,
        ),
        Rule(
            "MV2",
            "at least two of P41, A50P, F2.5, F4.0 agree",
            "P41、A50P、F2.5、F4.0 中至少两种一致",
            _majority(2),
            _VOTES,
        ),
        Rule(
            "MV3",
            "at least three of P41, A50P, F2.5, F4.0 agree",
            "P41、A50P、F2.5、F4.0 中至少三种一致",
            _majority(3),
            _VOTES,
        ),
        Rule(
            "ITM",
            "level at which the outline of a blurred sphere of the volume found is its true"
            " radius (iterated, scanner FWHM)",
            "迭代阈值：按扫描仪 FWHM 的球模型求真实半径处的水平",
            _iterative,
            "sphere model of this library, after the idea of Jentzen et al.",
        ),
        Rule(
            "GRAD",
            "watershed of the gradient (Gaussian, sigma 1 voxel) between the voxels >= 70 % of"
            " SUVmax and what lies 2 voxels outside 41 %",
            "梯度分水岭（高斯 σ=1 体素）：以 ≥70% SUVmax 为内标记、41% 外扩 2 体素为外标记",
            _gradient,
            "design of this library",
        ),
    )
}
