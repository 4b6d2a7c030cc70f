"""Tracer kinetics from curves of dynamic PET: Patlak, Logan, reference tissue, compartments.

All curves are decay-corrected activity concentrations in one unit; the input is that of plasma (or
blood, if the difference is neglected). Rates come out per minute. Frames are taken as their
middles; models are fitted to frame means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.curves import COUNTS, CurveRefused, TimeActivityCurve

Floats: TypeAlias = npt.NDArray[np.float64]

VERSION: Final = "hevesy-kinetics/1"
# Fine enough that a bolus of a few seconds is not smeared, in s.
_STEP_S: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class KineticFit:
    """Parameters by name with units, their standard errors, and the fitted values per frame.

    standard_error: None where the fit does not tell. residual: root mean square over the frames
    that were fitted, in units of the curve (of the graph's ordinate for graphical methods).
    """

    model: str
    parameters: dict[str, float]
    units: dict[str, str]
    standard_error: dict[str, float | None]
    fitted: Floats
    residual: float
    source: str
    version: str = VERSION

    def as_json(self) -> dict[str, Any]:
        """Plain values; units beside each parameter."""
        return {
            "model": self.model,
            "parameters": [
                {
                    "key": key,
                    "value": value,
                    "units": self.units[key],
                    "standard_error": self.standard_error[key],
                }
                for key, value in self.parameters.items()
            ],
            "residual": self.residual,
            "source": self.source,
            "version": self.version,
        }


def patlak(tissue: TimeActivityCurve, plasma: TimeActivityCurve, *, from_s: float) -> KineticFit:
    """Net influx Ki (mL/min/mL) and intercept (mL/mL) of an irreversible tracer.

    C/Cp = Ki int Cp / Cp + V for frames whose middle lies after `from_s` (Patlak, Blasberg and
    Fenstermacher 1983). Raises `CurveRefused`.
    """
    _comparable(tissue, plasma)
    late = _late(tissue, from_s)
    blood = plasma.rate
    if np.any(blood[late] <= 0):
        raise _no_input()
    x = plasma.running_integral()[late] / 60.0 / blood[late]
    y = tissue.rate[late] / blood[late]
    return _line(
        "patlak",
        x,
        y,
        ("ki_per_min", "mL/min/mL"),
        ("intercept", "mL/mL"),
        "Patlak et al., J Cereb Blood Flow Metab 1983;3:1",
    )


def logan(tissue: TimeActivityCurve, plasma: TimeActivityCurve, *, from_s: float) -> KineticFit:
    """Total distribution volume V_T (mL/mL) of a reversible tracer.

    int C / C = V_T int Cp / C + b for frames after `from_s` (Logan et al. 1990). Raises
    `CurveRefused`.
    """
    _comparable(tissue, plasma)
    late = _late(tissue, from_s)
    level = tissue.rate
    if np.any(level[late] <= 0):
        raise _no_input()
    x = plasma.running_integral()[late] / 60.0 / level[late]
    y = tissue.running_integral()[late] / 60.0 / level[late]
    return _line(
        "logan",
        x,
        y,
        ("vt", "mL/mL"),
        ("intercept_min", "min"),
        "Logan et al., J Cereb Blood Flow Metab 1990;10:740",
    )


def reference_tissue(tissue: TimeActivityCurve, reference: TimeActivityCurve) -> KineticFit:
    """Simplified reference tissue model: R1, k2 (1/min) and binding potential BP_ND.

    C = R1 Cr + (k2 - R1 k2a) Cr (x) e^(-k2a t) with k2a = k2 / (1 + BP) (Lammertsma and Hume 1996).
    For each k2a the rest is linear; k2a is searched on a fine grid and then refined. Raises
    `CurveRefused` if the fit runs against the end of its range.
    """
    from scipy.optimize import minimize_scalar

    _comparable(tissue, reference)
    time, input_, means = _fine(reference)
    measured = tissue.rate
    weight = np.sqrt(tissue.duration_s)

    def columns(log_k2a: float) -> Floats:
        k2a = float(np.exp(log_k2a))
        washed = _convolved(input_, [k2a], time)[0]
        return np.stack((means(input_), means(washed)), axis=1)

    def misfit(log_k2a: float) -> float:
        basis = columns(log_k2a) * weight[:, None]
        theta = np.linalg.lstsq(basis, measured * weight, rcond=None)[0]
        return float(((basis @ theta - measured * weight) ** 2).sum())

    grid = np.linspace(np.log(1e-3), np.log(5.0), 60)
    best = int(np.argmin([misfit(one) for one in grid]))
    if best in (0, len(grid) - 1):
        raise _no_fit("k2a at the end of its range")
    found = minimize_scalar(
        misfit, bounds=(grid[best - 1], grid[best + 1]), method="bounded", options={"xatol": 1e-10}
    )
    basis = columns(found.x)
    r1, theta = np.linalg.lstsq(basis * weight[:, None], measured * weight, rcond=None)[0]
    k2a = float(np.exp(found.x))
    k2 = float(theta + r1 * k2a)
    fitted: Floats = basis @ np.array([r1, theta])
    return KineticFit(
        model="srtm",
        parameters={"r1": float(r1), "k2_per_min": k2, "bp_nd": k2 / k2a - 1.0},
        units={"r1": "1", "k2_per_min": "1/min", "bp_nd": "1"},
        standard_error={"r1": None, "k2_per_min": None, "bp_nd": None},
        fitted=fitted,
        residual=float(np.sqrt(np.mean((fitted - measured) ** 2))),
        source="Lammertsma and Hume, NeuroImage 1996;4:153; Gunn et al. 1997 (basis functions)",
    )


def one_tissue(tissue: TimeActivityCurve, plasma: TimeActivityCurve) -> KineticFit:
    """One compartment: K1 (mL/min/mL), k2 (1/min), blood fraction vb, and V_T = K1/k2."""

    def impulse(k: Floats) -> tuple[list[float], list[float]]:
        return [float(k[0])], [float(k[1])]

    fit = _compartments("1tc", tissue, plasma, ("k1_per_min", "k2_per_min"), impulse, [0.1, 0.1])
    vt = fit.parameters["k1_per_min"] / fit.parameters["k2_per_min"]
    return _with(fit, "vt", vt, "mL/mL")


def two_tissue(
    tissue: TimeActivityCurve, plasma: TimeActivityCurve, *, irreversible: bool = False
) -> KineticFit:
    """Two compartments in a row: K1, k2, k3, k4 (0 if irreversible), vb; Ki or V_T from them."""
    names = ("k1_per_min", "k2_per_min", "k3_per_min") + (() if irreversible else ("k4_per_min",))

    def impulse(k: Floats) -> tuple[list[float], list[float]]:
        k1, k2, k3 = (float(one) for one in k[:3])
        k4 = 0.0 if irreversible else float(k[3])
        total = k2 + k3 + k4
        root = np.sqrt(max(total**2 - 4.0 * k2 * k4, 1e-12))
        slow, fast = 0.5 * (total - root), 0.5 * (total + root)
        scale = k1 / (fast - slow)
        return [scale * (k3 + k4 - slow), scale * (fast - k3 - k4)], [slow, fast]

    first = [0.1, 0.15, 0.05] if irreversible else [0.1, 0.15, 0.05, 0.02]
    model = "2tc irreversible" if irreversible else "2tc"
    fit = _compartments(model, tissue, plasma, names, impulse, first)
    k1, k2, k3 = (fit.parameters[one] for one in names[:3])
    if irreversible:
        return _with(fit, "ki_per_min", k1 * k3 / (k2 + k3), "mL/min/mL")
    return _with(fit, "vt", k1 / k2 * (1.0 + k3 / fit.parameters["k4_per_min"]), "mL/mL")


def _compartments(
    model: str,
    tissue: TimeActivityCurve,
    plasma: TimeActivityCurve,
    names: tuple[str, ...],
    impulse: Callable[[Floats], tuple[list[float], list[float]]],
    first: list[float],
) -> KineticFit:
    from scipy.optimize import least_squares

    _comparable(tissue, plasma)
    time, input_, means = _fine(plasma)
    blood, measured = means(input_), tissue.rate
    weight = np.sqrt(tissue.duration_s / tissue.duration_s.sum())

    def curve(values: Floats) -> Floats:
        k, vb = np.exp(values[:-1]), values[-1]
        scales, rates = impulse(k)
        parts = _convolved(input_, rates, time)
        inside = sum(scale * part for scale, part in zip(scales, parts, strict=True))
        result: Floats = (1.0 - vb) * means(np.asarray(inside)) + vb * blood
        return result

    count = len(first)
    found = least_squares(
        lambda values: (curve(values) - measured) * weight,
        x0=np.array([*np.log(first), 0.03]),
        bounds=(
            np.array([np.log(1e-5)] * count + [0.0]),
            np.array([np.log(10.0)] * count + [0.6]),
        ),
        x_scale=np.array([1.0] * count + [0.1]),
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-12,
        max_nfev=400,
    )
    if not found.success:
        raise _no_fit(str(found.message))
    fitted = curve(found.x)
    values = np.append(np.exp(found.x[:-1]), found.x[-1])
    errors = _standard_errors(found.jac, found.fun, len(measured))
    if errors is not None:
        errors = errors * np.append(values[:-1], 1.0)
    keys = (*names, "vb")
    return KineticFit(
        model=model,
        parameters={key: float(value) for key, value in zip(keys, values, strict=True)},
        units={
            key: "mL/min/mL" if key == "k1_per_min" else "1" if key == "vb" else "1/min"
            for key in keys
        },
        standard_error={
            key: None if errors is None else float(errors[n]) for n, key in enumerate(keys)
        },
        fitted=fitted,
        residual=float(np.sqrt(np.mean((fitted - measured) ** 2))),
        source="Innis et al., J Cereb Blood Flow Metab 2007;27:1533 (terms)",
    )


def _standard_errors(jacobian: Floats, misfit: Floats, frames: int) -> Floats | None:
    free = frames - jacobian.shape[1]
    if free < 1 or np.linalg.matrix_rank(jacobian) < jacobian.shape[1]:
        return None
    spread = float(misfit @ misfit) / free
    errors: Floats = np.sqrt(spread * np.diag(np.linalg.inv(jacobian.T @ jacobian)))
    return errors


def _fine(curve: TimeActivityCurve) -> tuple[Floats, Floats, Callable[[Floats], Floats]]:
    """Fine times in min, the curve on them, and what takes a fine curve back to frame means."""
    end_s = float(curve.end_s[-1])
    time_s = np.arange(0.0, end_s + _STEP_S, _STEP_S)
    values = np.interp(time_s, np.append(0.0, curve.mid_s), np.append(0.0, curve.rate))

    def means(fine: Floats) -> Floats:
        running = np.concatenate(([0.0], np.cumsum(0.5 * (fine[1:] + fine[:-1]) * _STEP_S)))
        ends, starts = (np.interp(one, time_s, running) for one in (curve.end_s, curve.start_s))
        result: Floats = (ends - starts) / curve.duration_s
        return result

    return time_s / 60.0, values, means


def _convolved(input_: Floats, rates: list[float], time_min: Floats) -> list[Floats]:
    """The input convolved with e^(-k t) for each k (1/min), exact for straight lines between."""
    from scipy.signal import lfilter

    step = float(time_min[1] - time_min[0])
    results = []
    for rate in rates:
        x = rate * step
        keep = np.exp(-x)
        if x < 1e-6:
            new, old = 0.5 * step, 0.5 * step
        else:
            # Integral of a straight line against the exponential over one step.
            level = -np.expm1(-x) / rate
            ramp = (1.0 - level / step) / rate
            new, old = ramp, level - ramp
        forced = new * input_ + old * np.concatenate(([0.0], input_[:-1]))
        forced[0] = 0.0
        results.append(lfilter([1.0], [1.0, -keep], forced))
    return results


def _comparable(tissue: TimeActivityCurve, other: TimeActivityCurve) -> None:
    same = len(tissue) == len(other) and np.allclose(tissue.mid_s, other.mid_s, atol=1e-3)
    if not same or tissue.units != other.units or COUNTS in (tissue.units, other.units):
        raise CurveRefused(
            "curves_unlike",
            "Tissue and input need the same frames and one unit of concentration.",
            "组织曲线与输入函数须有相同的帧和相同的浓度单位。",
            f"{tissue.units}, {other.units}",
        )


def _late(curve: TimeActivityCurve, from_s: float) -> npt.NDArray[np.intp]:
    late = np.flatnonzero(curve.mid_s >= from_s)
    if len(late) < 3:
        raise CurveRefused(
            "too_few_frames",
            "The straight part needs at least three frames: begin it earlier.",
            "直线段至少需要三帧，请提前起始时间。",
            f"{len(late)} frames after {from_s:g} s",
        )
    return late


def _line(
    model: str,
    x: Floats,
    y: Floats,
    slope_name: tuple[str, str],
    intercept_name: tuple[str, str],
    source: str,
) -> KineticFit:
    basis = np.stack((x, np.ones_like(x)), axis=1)
    (slope, intercept), *_ = np.linalg.lstsq(basis, y, rcond=None)
    fitted: Floats = basis @ np.array([slope, intercept])
    errors = _standard_errors(basis, fitted - y, len(y))
    return KineticFit(
        model=model,
        parameters={slope_name[0]: float(slope), intercept_name[0]: float(intercept)},
        units=dict((slope_name, intercept_name)),
        standard_error={
            name: None if errors is None else float(errors[n])
            for n, name in enumerate((slope_name[0], intercept_name[0]))
        },
        fitted=fitted,
        residual=float(np.sqrt(np.mean((fitted - y) ** 2))),
        source=source,
    )


def _with(fit: KineticFit, key: str, value: float, units: str) -> KineticFit:
    return KineticFit(
        model=fit.model,
        parameters=fit.parameters | {key: value},
        units=fit.units | {key: units},
        standard_error=fit.standard_error | {key: None},
        fitted=fit.fitted,
        residual=fit.residual,
        source=fit.source,
    )


def _no_input() -> CurveRefused:
    return CurveRefused(
        "no_activity",
        "The curve that is divided by is not above zero in the straight part.",
        "直线段内作为除数的曲线不大于零。",
    )


def _no_fit(detail: str) -> CurveRefused:
    return CurveRefused(
        "no_fit",
        "The model does not fit these curves: look at them, or choose a simpler model.",
        "模型无法拟合该曲线，请检查曲线或改用更简单的模型。",
        detail,
    )
