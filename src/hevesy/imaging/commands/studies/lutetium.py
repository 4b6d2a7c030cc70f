"""`hevesy image analyse lutetium FILE.json`: time-integrated activities after a therapy."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, Final

from hevesy.imaging.analyse.lutetium import (
    MODELS,
    RecoveryCurve,
    RegionActivities,
    analyse_therapy,
)
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.commands.studies import in_space
from hevesy.imaging.refusal import Refused

HELP: Final = (
    "Time-integrated activity per region. The file: injected_mbq, nuclide, regions with name,"
    " time_h, activity_mbq and if known sd_mbq, model, volume_ml; recovery with volume_ml, recovery,"
    " source, checked (docs/imaging/dosimetry.md)."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--model", choices=MODELS, default="mono")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    told = in_space.read_json(arguments.file)
    try:
        curve = _curve(told.get("recovery"))
        rows = told["regions"]
        regions = [_region(row, curve) for row in rows]
        models = {str(row["name"]): str(row["model"]) for row in rows if row.get("model")}
        injected_mbq = float(told["injected_mbq"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused(
            "bad_json",
            "The file of activities is not complete: see --help.",
            "活度文件不完整，请参见 --help。",
            repr(error),
        ) from None
    return analyse_therapy(
        regions,
        injected_mbq=injected_mbq,
        nuclide_name=str(told.get("nuclide", "Lu-177")),
        model=arguments.model,
        models=models,
    )


def _curve(row: Any) -> RecoveryCurve | None:
    if row is None:
        return None
    volumes, shares = in_space.numbers(row, "volume_ml"), in_space.numbers(row, "recovery")
    return RecoveryCurve(
        tuple(volumes.tolist()), tuple(shares.tolist()), str(row["source"]), bool(row["checked"])
    )


def _region(row: Any, curve: RecoveryCurve | None) -> RegionActivities:
    found = RegionActivities(
        str(row["name"]),
        in_space.numbers(row, "time_h"),
        in_space.numbers(row, "activity_mbq"),
        in_space.numbers(row, "sd_mbq") if row.get("sd_mbq") else None,
    )
    if curve is not None and row.get("volume_ml"):
        return found.recovered(curve, float(row["volume_ml"]))
    return found
