"""Where one series lies on another: `hevesy image register FIXED MOVING --json`.

Answers with a 4x4 matrix in LPS millimetres from the moving to the fixed series, its metric, the
consistency of both directions, and whether to trust it, with reasons. `--out` stores it as a DICOM
Spatial Registration in the study of the fixed series. Exit status 0 also for an answer that says
"check alignment"; 1 for a refusal.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from hevesy.imaging.commands import answer, complain, existing, wrong_call
from hevesy.imaging.device import DEVICES, on_processor_only
from hevesy.imaging.dicomio import read_dataset, read_series
from hevesy.imaging.dicomio.spatial_registration import spatial_registration_dataset
from hevesy.imaging.register import Registration, register, register_landmarks
from hevesy.imaging.register.refusal import refused
from hevesy.imaging.register.result import DEFORMABLE, LANDMARKS, METHODS, RIGID


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the two series, the method and where to start."""
    parser.add_argument("fixed", type=Path, metavar="FIXED", help="folder of the fixed series")
    parser.add_argument("moving", type=Path, metavar="MOVING", help="folder of the moving series")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    parser.add_argument("--method", choices=METHODS, default=None, help="default: rigid")
    parser.add_argument(
        "--landmarks", type=Path, metavar="FILE",
        help="JSON list of {fixed_lps_mm: [x,y,z], moving_lps_mm: [x,y,z]}",
    )  # fmt: skip
    parser.add_argument(
        "--initial", type=Path, metavar="FILE", help="JSON 4x4, moving to fixed, to start from"
    )
    parser.add_argument(
        "--region", type=float, nargs=6, metavar="MM", help="box x y z x y z in the fixed frame"
    )
    parser.add_argument(
        "--same-frame", action="store_true",
        help="search although both series state one Frame of Reference (the patient moved)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=42, help="of the random samples")
    parser.add_argument(
        "--device", choices=DEVICES, default="auto", help="registration runs on the processor"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write a Spatial Registration")


def run(arguments: Namespace) -> int:
    """Register and print; returns the exit status."""
    existing(arguments.fixed, arguments.moving)
    on_processor_only(arguments.device)
    by_points = arguments.landmarks is not None or arguments.method == LANDMARKS
    if by_points and (arguments.landmarks is None or arguments.method not in (None, LANDMARKS)):
        raise wrong_call("--landmarks FILE and --method landmarks belong together.")
    if arguments.out and arguments.method == DEFORMABLE:
        raise wrong_call(
            "A deformation is for display and is not stored; --out needs another method."
        )
    sides = [_paths(folder) for folder in (arguments.fixed, arguments.moving)]
    found = _by_landmarks(arguments.landmarks) if by_points else _by_content(arguments, sides)
    if arguments.out:
        _store(found, sides, arguments.out)
    if arguments.json:
        answer({"status": "ok", "device": "cpu", **found.as_json()})
    else:
        _print(found)
    return 0


def _paths(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def _by_content(arguments: Namespace, sides: list[list[Path]]) -> Registration:
    fixed, moving = (read_series(paths) for paths in sides)
    region = arguments.region
    return register(
        fixed,
        moving,
        method=arguments.method or RIGID,
        initial=None if arguments.initial is None else _matrix(arguments.initial),
        region_lps=None if region is None else (tuple(region[:3]), tuple(region[3:])),
        trust_frame=not arguments.same_frame,
        seed=arguments.seed,
        progress=lambda fraction, text: complain(f"{fraction:4.0%} {text}"),
    )


def _by_landmarks(path: Path) -> Registration:
    try:
        pairs = json.loads(path.read_text("utf-8"))
        fixed = [pair["fixed_lps_mm"] for pair in pairs]
        moving = [pair["moving_lps_mm"] for pair in pairs]
    except (ValueError, KeyError, TypeError) as error:
        raise refused("landmark_file", type(error).__name__) from error
    return register_landmarks(fixed, moving)


def _matrix(path: Path) -> Any:
    """The matrix of a file, or of an earlier answer of this verb."""
    try:
        given = json.loads(path.read_text("utf-8"))
        if isinstance(given, dict):
            given = given["moving_to_fixed_lps_mm"]
        return np.asarray(given, dtype=np.float64)
    except (ValueError, TypeError, KeyError) as error:
        raise refused("not_rigid", type(error).__name__) from error


def _store(found: Registration, sides: list[list[Path]], path: Path) -> None:
    fixed, moving = ([_header(p) for p in paths] for paths in sides)
    spatial_registration_dataset(
        found.moving_to_fixed,
        fixed,
        moving,
        method=found.method,
        made_at=datetime.now(UTC),
        comment=found.label,
    ).save_as(path, enforce_file_format=True)


def _header(path: Path) -> Dataset:
    dataset = read_dataset(path)
    dataset.pop("PixelData", None)
    return dataset


def _print(found: Registration) -> None:
    lines = [found.label]
    lines += ["  ".join(f"{x:10.5f}" for x in row) for row in found.moving_to_fixed]
    lines += [f"{'ok ' if gate.passed else 'NO '} {gate.text_en}" for gate in found.gates]
    sys.stdout.write("\n".join(lines) + "\n")
