"""`hevesy image analyse bmd --bmd N --reference KEY --sex F --age-years N`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from hevesy.imaging.analyse.bmd import TABLE, analyse_bmd, read_references
from hevesy.imaging.analyse.outcome import Outcome

HELP: Final = f"T, Z and WHO class of a bone density. References: {', '.join(read_references())}."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--bmd", type=float, required=True, help="g/cm2")
    parser.add_argument("--reference", required=True, help="key of the table")
    parser.add_argument("--sex", choices=("F", "M"), required=True)
    parser.add_argument("--age-years", type=float, required=True)
    meno = parser.add_mutually_exclusive_group()
    meno.add_argument("--postmenopausal", dest="postmenopausal", action="store_true", default=None)
    meno.add_argument("--premenopausal", dest="postmenopausal", action="store_false")
    parser.add_argument("--fragility-fracture", action="store_true")
    parser.add_argument("--table", type=Path, default=TABLE)


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    return analyse_bmd(
        arguments.bmd,
        reference=arguments.reference,
        sex=arguments.sex,
        age_years=arguments.age_years,
        postmenopausal=arguments.postmenopausal,
        fragility_fracture=arguments.fragility_fracture,
        table=arguments.table,
    )
