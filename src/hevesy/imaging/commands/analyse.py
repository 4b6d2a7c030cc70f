"""Analyses of studies: `hevesy image analyse STUDY FILE … --rois FILE --json --plot FILE`.

Regions are drawn by a person and handed in as `hevesy-regions/1` (docs/imaging/planar.md).
`hevesy image analyse STUDY --help` lists what a study takes. The answer is a table, or JSON; the
plot is SVG or PNG by the ending of its name.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Final

from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.commands import answer, complain
from hevesy.imaging.geometry.volume import Finding
from hevesy.imaging.refusal import Refused

# Study to its module, which has `HELP`, `add_arguments(parser)` and `outcome(arguments)`.
STUDIES: Final[dict[str, str]] = {
    "renogram": "hevesy.imaging.commands.studies.renogram",
    "gfr": "hevesy.imaging.commands.studies.gfr",
    "mugaef": "hevesy.imaging.commands.studies.mugaef",
    "gastric": "hevesy.imaging.commands.studies.gastric",
    "thyroid": "hevesy.imaging.commands.studies.thyroid",
    "lungvq": "hevesy.imaging.commands.studies.lungvq",
    "lungshunt": "hevesy.imaging.commands.studies.lungshunt",
    "parathyroid": "hevesy.imaging.commands.studies.parathyroid",
    "salivary": "hevesy.imaging.commands.studies.salivary",
    "hepatobiliary": "hevesy.imaging.commands.studies.hepatobiliary",
    "timeactivity": "hevesy.imaging.commands.studies.timeactivity",
    "gatedspect": "hevesy.imaging.commands.studies.gatedspect",
    "brainz": "hevesy.imaging.commands.studies.brainz",
    "brainnormals": "hevesy.imaging.commands.studies.brainnormals",
    "dat": "hevesy.imaging.commands.studies.dat",
    "amyloid": "hevesy.imaging.commands.studies.amyloid",
    "bsi": "hevesy.imaging.commands.studies.bsi",
    "bmd": "hevesy.imaging.commands.studies.bmd",
    "spectsuv": "hevesy.imaging.commands.studies.spectsuv",
    "cameracalibration": "hevesy.imaging.commands.studies.cameracalibration",
    "lutetium": "hevesy.imaging.commands.studies.lutetium",
    "patlak": "hevesy.imaging.commands.studies.kinetics",
    "earl": "hevesy.imaging.commands.studies.earl",
    "percist": "hevesy.imaging.commands.studies.percist",
    "deauville": "hevesy.imaging.commands.studies.deauville",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the study; its own options are read once it is known."""
    parser.add_argument("study", choices=tuple(STUDIES), metavar="STUDY", help=", ".join(STUDIES))
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="files and options of the study")


def run(arguments: argparse.Namespace) -> int:
    """Analyse, print and draw; returns the exit status."""
    study = import_module(STUDIES[arguments.study])
    parser = argparse.ArgumentParser(
        prog=f"hevesy image analyse {arguments.study}", description=study.HELP
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    parser.add_argument("--plot", type=_picture, metavar="FILE", help="draw to FILE, .svg or .png")
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="of table and plot")
    study.add_arguments(parser)
    own = parser.parse_args(arguments.rest)
    outcome: Outcome = study.outcome(own)
    outcome = replace(outcome, findings=(*getattr(own, "doubts", []), *outcome.findings))
    drawn = None
    if own.plot is not None:
        outcome, drawn = _drawn(outcome, own.plot, own.language)
    if own.json:
        answer({"status": "ok", **outcome.as_json(), "plot": drawn})
    else:
        _print(outcome, own.language)
    return 0


def _picture(text: str) -> Path:
    if Path(text).suffix.lower() not in (".svg", ".png"):
        raise argparse.ArgumentTypeError("a plot is written as .svg or .png")
    return Path(text)


def _drawn(outcome: Outcome, path: Path, language: str) -> tuple[Outcome, str | None]:
    """Draw; a picture that cannot be made is a finding and withholds no number."""
    from hevesy.imaging.analyse.plots import write_picture

    try:
        write_picture(outcome, path, language=language)
    except Refused as refusal:
        missing = Finding(refusal.key, refusal.text_en, refusal.text_zh)
        return replace(outcome, findings=(*outcome.findings, missing)), None
    return outcome, str(path)


def _print(outcome: Outcome, language: str) -> None:
    for one in outcome.measures:
        label = one.label_zh if language == "zh" else one.label_en
        value = "-" if one.value is None else f"{one.value:.4g}"
        deviation = "" if one.standard_deviation is None else f" ± {one.standard_deviation:.2g}"
        unit = "" if one.units == "1" else f" {one.units}"
        span = ""
        if one.reference is not None:
            low = "" if one.reference.low is None else f"{one.reference.low:g}"
            high = "" if one.reference.high is None else f"{one.reference.high:g}"
            checked = "" if one.reference.checked else ", unchecked"
            span = f"  [{low}..{high}{checked}]"
        sys.stdout.write(f"{label}: {value}{deviation}{unit}{span}\n")
    for verdict in outcome.verdicts:
        told = "; ".join(one[f"text_{language}"] for one in verdict["reasons"])
        checked = "" if verdict["checked"] else " [unchecked]"
        sys.stdout.write(f"{verdict['rule']}: {verdict['value']}{checked}  {told}\n")
    sys.stdout.write(f"{outcome.version}; {outcome.decay}\n{outcome.method}\n{outcome.source}\n")
    for finding in outcome.findings:
        complain(finding.text_zh if language == "zh" else finding.text_en)
