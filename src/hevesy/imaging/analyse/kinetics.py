"""Dynamic PET: Patlak, Logan, simplified reference tissue model, one and two tissues.

Times in minutes from injection, concentrations in any one unit. Input curves are taken as straight
between samples, so that convolutions with exponentials are exact; a tissue value is the mean over
its frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.outcome import CurvePanel, Line, Measure, Outcome
from hevesy.imaging.geometry.volume import Finding
from hevesy.imaging.refusal import Refused

Floats: TypeAlias = npt.NDArray[np.float64]
VERSION: Final = "hevesy-kinetics/1"
SOURCES: Final = {
    "patlak": "Patlak CS et al. J Cereb Blood Flow Metab 1983;3:1",
    "logan": "Logan J et al. J Cereb Blood Flow Metab 1990;10:740",
    "srtm": "Lammertsma AA, Hume SP. NeuroImage 1996;4:153",
    "1t": "Kety SS. Pharmacol Rev 1951;3:1; one tissue compartment",
    "2t": "Phelps ME et al. Ann Neurol 1979;6:371; two tissue compartments",
}
_PER_FRAME: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Tissue curve: frame starts and ends in min, mean concentration in each, decay corrected."""

    start_min: Floats
    end_min: Floats
    tissue: Floats

    def __post_init__(self) -> None:
        sizes = {len(self.start_min), len(self.end_min), len(self.tissue)}
        ordered = np.all(self.end_min > self.start_min) and np.all(
            self.start_min[1:] >= self.end_min[:-1] - 1e-6
        )
        if len(sizes) != 1 or len(self.tissue) < 4 or not ordered:
            raise _bad_curve("frames must be at least four, in order, without overlap")
        if not np.all(np.isfinite(self.tissue)):
            raise _bad_curve("a tissue value is not a number")

    @property
    def mid_min(self) -> Floats:
        """Middle of the frames."""
        return (self.start_min + self.end_min) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """Plasma or reference-tissue concentration at times in min; straight between, 0 before."""

    time_min: Floats
    value: Floats

    def __post_init__(self) -> None:
        fits = len(self.time_min) == len(self.value) >= 3
        if not fits or not np.all(np.diff(self.time_min) > 0) or self.time_min[0] < 0:
            raise _bad_curve("the input needs three or more samples at rising times")
        if not np.all(np.isfinite(self.value)) or self.value.max() <= 0:
            raise _bad_curve("the input must be finite and not all zero")

    def at(self, time_min: Floats) -> Floats:
        """Concentration at times."""
        return np.interp(time_min, self.time_min, self.value, left=0.0)

    def covers(self, frames: Frames) -> None:
        """Refuse (`bad_curve`) an input that ends before the last frame."""
        if self.time_min[-1] < frames.mid_min[-1] - 1e-6:
            raise _bad_curve("the input ends before the last frame")


def convolved(time_min: Floats, value: Floats, rate_per_min: float) -> Floats:
    """Convolution of a curve straight between samples with exp(-rate t), exact at the samples."""
    step = np.diff(time_min)
    k = rate_per_min * step
    # Weights of both ends of a straight piece; the series is used where the quotient loses digits.
    small = k < 1e-4
    safe = np.where(small, 1.0, k)
    whole = np.where(small, 1 - k / 2, -np.expm1(-safe) / safe)
    late = np.where(small, 0.5 - k / 6, (1 - whole) / safe)
    gained = step * (value[:-1] * (whole - late) + value[1:] * late)
    kept = np.exp(-k)
    found = np.zeros_like(time_min)
    for n in range(len(step)):
        found[n + 1] = found[n] * kept[n] + gained[n]
    return found


def _grid(frames: Frames, source: Input) -> Floats:
    inside = np.linspace(frames.start_min, frames.end_min, _PER_FRAME + 1).ravel()
    own = source.time_min[source.time_min <= frames.end_min[-1]]
    return np.unique(np.concatenate(([0.0], inside, own)))


def _frame_means(frames: Frames, time_min: Floats, value: Floats) -> Floats:
    step = np.diff(time_min)
    area = np.concatenate(([0.0], np.cumsum(step * (value[1:] + value[:-1]) / 2)))
    ends, starts = (np.interp(one, time_min, area) for one in (frames.end_min, frames.start_min))
    return np.asarray((ends - starts) / (frames.end_min - frames.start_min), dtype=np.float64)


def _straight_line(x: Floats, y: Floats) -> tuple[float, float, float, float]:
    """Slope, intercept, standard error of the slope, R squared."""
    terms = np.column_stack((x, np.ones_like(x)))
    (slope, intercept), *_ = np.linalg.lstsq(terms, y, rcond=None)
    left = y - terms @ (slope, intercept)
    spread = float(((x - x.mean()) ** 2).sum())
    error = float(np.sqrt((left @ left) / max(len(x) - 2, 1) / spread))
    total = float(((y - y.mean()) ** 2).sum())
    return float(slope), float(intercept), error, 1 - float(left @ left) / total if total else 1.0


def _late(frames: Frames, from_min: float) -> npt.NDArray[np.bool_]:
    late: npt.NDArray[np.bool_] = frames.mid_min >= from_min
    if late.sum() < 3:
        raise _bad_curve(f"fewer than three frames after {from_min:g} min")
    return late


def patlak(frames: Frames, plasma: Input, *, from_min: float = 20.0) -> Outcome:
    """Net influx Ki (1/min, that is mL of plasma per mL of tissue and min) and intercept.

    C_T/C_P = Ki * integral(C_P)/C_P + V for times after `from_min`.
    """
    plasma.covers(frames)
    late = _late(frames, from_min)
    time = _grid(frames, plasma)
    value = plasma.at(time)
    total = _integral_at(frames, time, value)
    here = _frame_means(frames, time, value)
    if np.any(here[late] <= 0):
        raise _bad_curve("the input is zero in the fitted frames")
    x, y = total[late] / here[late], frames.tissue[late] / here[late]
    slope, intercept, error, r2 = _straight_line(x, y)
    return _answer(
        "patlak",
        [
            Measure("ki_per_min", slope, "1/min", "Net influx Ki", "净流入率 Ki", None, error),
            Measure("intercept", intercept, "1", "Intercept", "截距"),
            Measure("r_squared", r2, "1", "R squared", "决定系数"),
        ],
        {"from_min": from_min},
        _panel("Patlak", "min", "tissue / plasma", x, y, slope * x + intercept),
        r2,
    )


def logan(
    frames: Frames,
    source: Input,
    *,
    from_min: float = 30.0,
    reference_k2_per_min: float | None = None,
) -> Outcome:
    """Distribution volume V_T with plasma, or DVR and BP_ND = DVR - 1 with a reference tissue.

    integral(C_T)/C_T = DV * integral(C_P)/C_T + b. With a reference tissue the term C_ref/k2' is
    added to its integral; reference_k2_per_min states k2' and so declares the input a reference.
    """
    source.covers(frames)
    late = _late(frames, from_min)
    time = _grid(frames, source)
    tissue = frames.tissue[late]
    if np.any(tissue <= 0):
        raise _bad_curve("the tissue curve is zero in the fitted frames")
    seen = np.concatenate(([0.0], np.cumsum(frames.tissue * (frames.end_min - frames.start_min))))
    half = frames.tissue * (frames.end_min - frames.start_min) / 2
    own = (seen[:-1] + half)[late]
    value = source.at(time)
    given = _integral_at(frames, time, value)[late]
    if reference_k2_per_min is not None:
        if reference_k2_per_min <= 0:
            raise _bad_curve("k2' of the reference must be above zero")
        given = given + source.at(frames.mid_min[late]) / reference_k2_per_min
    x, y = given / tissue, own / tissue
    slope, intercept, error, r2 = _straight_line(x, y)
    if reference_k2_per_min is None:
        rows = [Measure("vt", slope, "mL/mL", "Distribution volume", "分布容积", None, error)]
    else:
        rows = [
            Measure("dvr", slope, "1", "DVR", "分布容积比", None, error),
            Measure("bp_nd", slope - 1, "1", "Binding potential", "结合潜能", None, error),
        ]
    rows.append(Measure("r_squared", r2, "1", "R squared", "决定系数"))
    return _answer(
        "logan",
        rows,
        {"from_min": from_min, "reference_k2_per_min": reference_k2_per_min},
        _panel("Logan", "min", "min", x, y, slope * x + intercept),
        r2,
    )


def _integral_at(frames: Frames, time_min: Floats, value: Floats) -> Floats:
    step = np.diff(time_min)
    area = np.concatenate(([0.0], np.cumsum(step * (value[1:] + value[:-1]) / 2)))
    return np.interp(frames.mid_min, time_min, area)


def _one_tissue(time: Floats, value: Floats, p: Floats) -> Floats:
    return np.asarray((1 - p[2]) * p[0] * convolved(time, value, p[1]) + p[2] * value)


def _two_tissues(time: Floats, value: Floats, p: Floats) -> Floats:
    k1, k2, k3, k4, blood = p
    total = k2 + k3 + k4
    root = np.sqrt(max(total**2 - 4 * k2 * k4, 1e-18))
    slow, fast = (total - root) / 2, (total + root) / 2
    one = (k3 + k4 - slow) * convolved(time, value, slow)
    other = (fast - k3 - k4) * convolved(time, value, fast)
    return np.asarray((1 - blood) * k1 / (fast - slow) * (one + other) + blood * value)


def _reference_tissue(time: Floats, value: Floats, p: Floats) -> Floats:
    r1, k2, binding = p
    own = k2 / (1 + binding)
    return np.asarray(r1 * value + (k2 - r1 * own) * convolved(time, value, own))


_MODELS: Final[dict[str, tuple[Callable[..., Floats], tuple[str, ...], tuple[float, ...]]]] = {
    "1t": (_one_tissue, ("k1", "k2_per_min", "vb"), (0.1, 0.1, 0.05)),
    "2t": (
        _two_tissues,
        ("k1", "k2_per_min", "k3_per_min", "k4_per_min", "vb"),
        (0.1, 0.1, 0.05, 0.01, 0.05),
    ),
    "srtm": (_reference_tissue, ("r1", "k2_per_min", "bp_nd"), (1.0, 0.1, 1.0)),
}
_UPPER: Final = {"vb": 0.5, "bp_nd": 30.0, "r1": 5.0}
_UNITS: Final = {"k1": "mL/mL/min", "vb": "1", "bp_nd": "1", "r1": "1"}


def fit_compartments(
    frames: Frames, source: Input, *, model: str, irreversible: bool = False
) -> Outcome:
    """Bounded least squares of "1t", "2t" (plasma input) or "srtm" (reference tissue input).

    Blood in the tissue is taken to have the input's concentration. irreversible: k4 = 0. Squares
    are weighted with the frame duration. Standard errors are those of the linearised fit. The
    macroparameters V_T and, for two tissues, Ki are added.
    """
    from scipy.optimize import least_squares

    if model not in _MODELS:
        raise _bad_curve(f"no model “{model}”; there are {', '.join(_MODELS)}")
    source.covers(frames)
    function, names, start = _MODELS[model]
    if len(frames.tissue) <= len(names):
        raise _bad_curve("fewer frames than constants")
    time = _grid(frames, source)
    value = source.at(time)
    weight = np.sqrt((frames.end_min - frames.start_min) / frames.end_min[-1])
    scale = float(np.abs(frames.tissue).max()) or 1.0
    upper = np.array([_UPPER.get(name, 5.0) for name in names])
    if irreversible and model == "2t":
        upper[3] = 1e-9

    def wrong(p: Floats) -> Floats:
        drawn = _frame_means(frames, time, function(time, value, p))
        return np.asarray(weight * (drawn - frames.tissue) / scale, dtype=np.float64)

    best = None
    # Compartment fits have several valleys: start from three places, keep the deepest.
    for factor in (0.3, 1.0, 3.0):
        first = np.minimum(np.array(start) * factor, upper * 0.9)
        one = least_squares(
            wrong, first, bounds=(0.0, upper), xtol=1e-12, ftol=1e-12, x_scale="jac"
        )
        if best is None or one.cost < best.cost:
            best = one
    assert best is not None
    p = best.x
    freedom = max(len(frames.tissue) - len(p), 1)
    covariance = np.linalg.pinv(best.jac.T @ best.jac) * 2 * best.cost / freedom
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    rows = [
        Measure(name, float(a), _UNITS.get(name, "1/min"), name, name, None, float(e))
        for name, a, e in zip(names, p, errors, strict=True)
    ]
    rows += _macro(model, p)
    drawn = _frame_means(frames, time, function(time, value, p))
    total = float(((frames.tissue - frames.tissue.mean()) ** 2).sum())
    left = float(((frames.tissue - drawn) ** 2).sum())
    r2 = 1 - left / total if total else 1.0
    rows.append(Measure("r_squared", r2, "1", "R squared", "决定系数"))
    panel = _panel(model, "min", "concentration", frames.mid_min, frames.tissue, drawn)
    at_bound = [n for n, a, u in zip(names, p, upper, strict=True) if a > 0.999 * u > 1e-6]
    return _answer(model, rows, {"irreversible": irreversible}, panel, r2, at_bound)


def _macro(model: str, p: Floats) -> list[Measure]:
    if model == "1t":
        value = p[0] / p[1] if p[1] > 1e-9 else None
        return [Measure("vt", value, "mL/mL", "Distribution volume", "分布容积")]
    if model == "srtm":
        return []
    k1, k2, k3, k4, _ = (float(one) for one in p)
    influx = k1 * k3 / (k2 + k3) if k2 + k3 > 0 else None
    volume = k1 / k2 * (1 + k3 / k4) if k2 > 1e-9 and k4 > 1e-6 else None
    return [
        Measure("ki_per_min", influx, "1/min", "Net influx Ki", "净流入率 Ki"),
        Measure("vt", volume, "mL/mL", "Distribution volume", "分布容积"),
    ]


def _panel(title: str, x_label: str, y_label: str, x: Floats, y: Floats, fit: Floats) -> CurvePanel:
    lines = (Line(x, y, "measured", "测量", True), Line(x, fit, "fit", "拟合"))
    return CurvePanel(title, title, x_label, y_label, lines)


def _answer(
    model: str,
    rows: list[Measure],
    inputs: dict[str, object],
    panel: CurvePanel,
    r2: float,
    at_bound: list[str] | None = None,
) -> Outcome:
    findings = []
    if r2 < 0.9:
        findings.append(
            Finding(
                "poor_fit",
                "The curve does not follow the model: look at the plot before using the numbers.",
                "曲线与模型不符，使用结果前请查看图形。",
                {"r_squared": r2},
            )
        )
    if at_bound:
        findings.append(
            Finding(
                "at_bound",
                "A constant of the fit rests on its bound and is not determined by the data.",
                "拟合参数位于边界，数据不足以确定其数值。",
                {"constants": at_bound},
            )
        )
    return Outcome(
        study="kinetics",
        measures=tuple(rows),
        method=f"{model}: see docs/imaging/kinetics.md",
        decay="curves must be corrected for decay to injection",
        version=VERSION,
        source=SOURCES[model],
        inputs={"model": model, **inputs},
        findings=tuple(findings),
        panels=(panel,),
    )


def _bad_curve(detail: str) -> Refused:
    return Refused(
        "bad_curve",
        f"The curves do not allow this analysis: {detail}.",
        f"曲线不满足该分析的要求：{detail}。",
        detail,
    )
