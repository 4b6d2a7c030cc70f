"""SUV of every PET series in a folder: `hevesy image suv DIR --json`.

One answer per series, grouped by Series Instance UID. Statistics are those of the voxels above
zero, because most of an image is empty. A series with a gap or of one slice is refused unless
`--incomplete`. Exit status 0 if SUV was computed for at least one series.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hevesy.imaging.commands import answer, complain, corrections, existing, told_of
from hevesy.imaging.dicomio import ImageRefused, read_dataset, read_series, require_whole
from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.suv import SuvFactor, apply_suv
from hevesy.imaging.quantify.suv_texts import refused
from hevesy.imaging.refusal import Refused


def add_arguments(parser: ArgumentParser) -> None:
    """Declare folder, kind of SUV and corrected parameters."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder (or file) of DICOM images")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    parser.add_argument(
        "--incomplete", action="store_true", help="compute although slices are missing"
    )
    corrections.add_arguments(parser)


def run(arguments: Namespace) -> int:
    """Compute and print; returns the exit status."""
    existing(arguments.folder)
    series, unreadable = _grouped(_files(arguments.folder))
    found = []
    for number, (uid, paths) in enumerate(series.items(), start=1):
        complain(f"series {number} of {len(series)}: {len(paths)} files")
        found.append(_answer_of(uid, paths, arguments))
    if arguments.json:
        told = {"series": found, "unreadable": [str(path) for path in unreadable]}
        answer(_whole(found) | told)
    else:
        for one in found:
            sys.stdout.write(_line(one) + "\n")
    if not found:
        complain(f"{arguments.folder}: no readable DICOM")
    return 0 if any(one["status"] == "ok" for one in found) else 1


def _whole(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The status of the call: that of its best series, or that there is none."""
    if not found:
        return told_of(ImageRefused("no_images"))
    if any(one["status"] == "ok" for one in found):
        return {"status": "ok"}
    return {key: found[0][key] for key in ("status", "reason", "text_en", "text_zh")}


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def _grouped(paths: Iterable[Path]) -> tuple[dict[str, list[Path]], list[Path]]:
    series: dict[str, list[Path]] = {}
    unreadable = []
    for path in paths:
        try:
            header = read_dataset(path, with_pixels=False)
        except (ImageRefused, OSError) as error:
            complain(f"{path}: {error}")
            unreadable.append(path)
            continue
        series.setdefault(str(header.get("SeriesInstanceUID", "")), []).append(path)
    return series, unreadable


def _answer_of(uid: str, paths: list[Path], arguments: Namespace) -> dict[str, Any]:
    first = read_dataset(paths[0], with_pixels=False)
    told: dict[str, Any] = {
        "series_instance_uid": uid,
        "description": str(first.get("SeriesDescription", "")),
        "modality": str(first.get("Modality", "")),
        "files": len(paths),
        "suv_type": arguments.type,
        "warnings": [],
    }
    try:
        if told["modality"] != "PT":
            raise refused("not_pet")
        volume = read_series(paths)
        told["units"] = volume.units
        told["warnings"] = [
            {"key": one.key, "text_en": one.text_en, "text_zh": one.text_zh}
            for one in volume.findings
        ]
        if not arguments.incomplete:
            require_whole(volume)
        factor = corrections.factor_of(volume, arguments).as_kind(arguments.type.upper())
        told["warnings"] += [one.as_json() for one in factor.warnings]
        if factor.refused:
            raise refused(factor.refused)
        return told | {"status": "ok"} | _numbers(volume, factor)
    except (Refused, ImageRefused) as refusal:
        return told | told_of(refusal)


def _numbers(volume: Volume, factor: SuvFactor) -> dict[str, Any]:
    # Slices that were missing are filled for display; their values were never measured.
    measured = [k for k, one in enumerate(volume.slices) if one.sop_instance_uid]
    suv = apply_suv(volume, factor).array[measured]
    above = suv[suv > 0]
    return {
        "suv_units": factor.suv_units,
        "factor_min": min(factor.per_slice),
        "factor_max": max(factor.per_slice),
        "suv_min": float(above.min()) if above.size else None,
        "suv_median": float(np.median(above)) if above.size else None,
        "suv_max": float(above.max()) if above.size else None,
        "statistics_of": "voxels above zero",
        "voxels": int(above.size),
        "slices": len(measured),
        "method": factor.method,
        "version": factor.version,
        "source": factor.source,
        "inputs": factor.inputs_as_json(),
        "overrides": factor.inputs.overrides(),
    }


def _line(one: dict[str, Any]) -> str:
    name = f"{one['modality']} {one['description'] or one['series_instance_uid']}"
    if one["status"] != "ok":
        return f"{name}: refused [{one['reason']}] {one['text_en']} {one['text_zh']}"
    told = "".join(f"\n  ! [{w['key']}] {w['text_en']} {w['text_zh']}" for w in one["warnings"])
    values = ", ".join(
        f"{label} {value:.4g}" if value is not None else f"{label} -"
        for label, value in (
            ("min", one["suv_min"]),
            ("median", one["suv_median"]),
            ("max", one["suv_max"]),
        )
    )
    return f"{name}: {one['suv_units']} {values} (x {one['factor_min']:.6g}; {one['method']}){told}"
