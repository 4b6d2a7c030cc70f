"""Corrected parameters of SUV, the same options for every verb that computes it (clause 6.15).

One call is one edition of corrections: who, when and which edition travel with every number made
with them.
"""

from __future__ import annotations

import math
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import UTC, datetime

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.suv import KINDS, SuvEdits, SuvFactor, suv_factor


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the kind of SUV and the corrections."""
    parser.add_argument(
        "--type",
        choices=[kind.lower() for kind in KINDS],
        default="bw",
        help="normaliser of the SUV (default: bw; SUL is lbmjanma)",
    )
    edits = parser.add_argument_group("corrected parameters, instead of those of the header")
    edits.add_argument("--weight-kg", type=_positive)
    edits.add_argument("--height-m", type=_positive)
    edits.add_argument("--sex", choices=("M", "F", "O"))
    edits.add_argument("--dose-mbq", type=_positive, help="net activity at the time of injection")
    edits.add_argument(
        "--injected-at", type=_moment, help="date and time of injection on the scanner's clock"
    )
    edits.add_argument(
        "--injection", type=int, help="which of several injections of the header, from 1"
    )
    edits.add_argument("--corrected-by", default="", metavar="NAME", help="who corrected")
    edits.add_argument(
        "--corrected-at", type=datetime.fromisoformat, metavar="TIME", help="when (default: now)"
    )
    edits.add_argument(
        "--edition", type=_edition, default=1, help="number of this set of corrections, from 1"
    )


def edits_of(arguments: Namespace) -> SuvEdits:
    """The corrections of a call."""
    return SuvEdits(
        weight_kg=arguments.weight_kg,
        height_m=arguments.height_m,
        sex=arguments.sex,
        dose_bq=None if arguments.dose_mbq is None else arguments.dose_mbq * 1e6,
        injected_at=arguments.injected_at,
        author=arguments.corrected_by,
        made_at=arguments.corrected_at or datetime.now(UTC).replace(microsecond=0),
        edition=arguments.edition,
    )


def factor_of(volume: Volume, arguments: Namespace) -> SuvFactor:
    """The factor of a PET series to SUVbw, with the corrections of a call."""
    injection = None if arguments.injection is None else arguments.injection - 1
    return suv_factor(volume.headers, injection=injection, edits=edits_of(arguments))


def _positive(text: str) -> float:
    number = float(text)
    if not (math.isfinite(number) and number > 0):
        raise ArgumentTypeError("must be a number above zero")
    return number


def _edition(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError("editions count from 1")
    return number


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is not None:
        raise ArgumentTypeError("must be the scanner's own clock, without an offset")
    return moment
