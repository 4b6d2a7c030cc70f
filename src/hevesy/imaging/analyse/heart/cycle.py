"""The volume of a ventricle over one beat from a few gates: a periodic curve through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

# Two harmonics follow a ventricle to about one point of EF; a third follows noise as well.
HARMONICS: Final = 2
FEWEST_GATES: Final = 8
_FINE: Final = 720


@dataclass(frozen=True, slots=True, eq=False)
class Cycle:
    """A curve over one beat. at_gate: place in gates, the middle of the first is 1."""

    at_gate: Floats
    value: Floats

    @property
    def largest(self) -> float:
        """The maximum, in the units of the gates."""
        return float(self.value.max())

    @property
    def smallest(self) -> float:
        """The minimum, not below zero."""
        return max(float(self.value.min()), 0.0)


def curve_of_beat(gates: npt.ArrayLike) -> Cycle:
    """Mean and first two harmonics of the gates' values, freed from the width of a gate.

    gates: one value each, of n gates that cut a whole beat into equal parts; at least
    `FEWEST_GATES` (`ValueError`). A gate shows the mean over its part of the beat, which weakens
    harmonic h by sin(pi h/n)/(pi h/n), and its middle seldom falls on the turning points: the
    largest and smallest gate understate the excursion, by a seventh and more with eight gates.
    """
    values = np.asarray(gates, dtype=np.float64)
    count = len(values)
    if count < FEWEST_GATES:
        raise ValueError(f"{count} gates are too few for {HARMONICS} harmonics")
    terms = np.fft.rfft(values) / count
    turn = np.arange(_FINE) / _FINE
    curve = np.full(_FINE, terms[0].real)
    for order in range(1, HARMONICS + 1):
        weakened = np.sinc(order / count)
        curve += 2.0 * (terms[order] / weakened * np.exp(2j * np.pi * order * turn)).real
    return Cycle(1.0 + turn * count, curve)
