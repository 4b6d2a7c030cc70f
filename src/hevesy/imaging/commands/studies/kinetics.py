"""`hevesy image analyse patlak FILE.json --model patlak`: constants of a dynamic study."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from hevesy.imaging.analyse.kinetics import Frames, Input, fit_compartments, logan, patlak
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.commands.studies import in_space

HELP: Final = (
    "Patlak, Logan, SRTM, one- and two-tissue fits. The file: start_min, end_min, tissue (frame"
    " means), input_time_min, input (plasma, or the reference tissue), decay corrected."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--model", choices=("patlak", "logan", "srtm", "1t", "2t"), default="patlak"
    )
    parser.add_argument("--from-min", type=float, default=30.0, help="of Patlak and Logan")
    parser.add_argument("--reference-k2", type=float, help="Logan with a reference tissue, 1/min")
    parser.add_argument("--irreversible", action="store_true", help="2t with k4 = 0")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    told = in_space.read_json(arguments.file)
    frames = Frames(
        in_space.numbers(told, "start_min"),
        in_space.numbers(told, "end_min"),
        in_space.numbers(told, "tissue"),
    )
    source = Input(in_space.numbers(told, "input_time_min"), in_space.numbers(told, "input"))
    if arguments.model == "patlak":
        return patlak(frames, source, from_min=arguments.from_min)
    if arguments.model == "logan":
        return logan(
            frames,
            source,
            from_min=arguments.from_min,
            reference_k2_per_min=arguments.reference_k2,
        )
    return fit_compartments(
        frames, source, model=arguments.model, irreversible=arguments.irreversible
    )
