"""`hevesy image analyse gfr FILE --rois FILE --syringe-counts N --empty-counts N …`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from hevesy.imaging.analyse.gfr import Patient, Syringe, analyse_gates_gfr
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.commands.studies import given

HELP: Final = "GFR after Gates. Roles: as for renogram; blood is not needed."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    given.add_files(parser)
    given.add_view(parser)
    parser.add_argument("--syringe-counts", type=float, required=True, help="full, at the camera")
    parser.add_argument("--empty-counts", type=float, required=True, help="after injection")
    parser.add_argument(
        "--syringe-s", type=given.positive, default=60.0, help="counting time of each"
    )
    parser.add_argument(
        "--syringe-at-s", type=float, default=0.0, help="its start; negative before injection"
    )
    parser.add_argument("--empty-at-s", type=float, default=0.0)
    parser.add_argument("--weight-kg", type=given.positive, required=True)
    parser.add_argument("--height-cm", type=given.positive, required=True)
    parser.add_argument("--age-years", type=float, default=0.0)
    parser.add_argument("--interval-s", type=given.interval, default=(120.0, 180.0))
    parser.add_argument("--regression", default="gates1982", help="row of the table")
    parser.add_argument("--depth", default="tonnesen1974", help="row of the table")
    parser.add_argument(
        "--measured-depth-cm", type=given.positive, nargs=2, metavar=("LEFT", "RIGHT")
    )
    parser.add_argument("--table", type=Path, help="own table instead of gates.toml")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    taken, regions, half_life_s = given.one_view(arguments)
    measured = arguments.measured_depth_cm
    return analyse_gates_gfr(
        taken.frames,
        taken.start_s,
        taken.duration_s,
        regions,
        full=Syringe(arguments.syringe_counts, arguments.syringe_s, arguments.syringe_at_s),
        empty=Syringe(arguments.empty_counts, arguments.syringe_s, arguments.empty_at_s),
        patient=Patient(arguments.weight_kg, arguments.height_cm, arguments.age_years),
        half_life_s=half_life_s,
        interval_s=arguments.interval_s,
        regression=arguments.regression,
        depth=arguments.depth,
        measured_depth_cm=(measured[0], measured[1]) if measured else None,
        table=arguments.table,
    )
