"""Measures of drawn regions: `hevesy image measure DIR --mask FILE --json`.

DIR holds one PET or CT series (or name it with --series); FILE is a DICOM SEG, RTSTRUCT or NIfTI
label file. PET is measured in SUV; without an SUV the verb refuses, `--raw` measures the stored
units. Exit status 0 if at least one region was measured.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hevesy.imaging.commands import answer, complain, corrections, existing, told_of
from hevesy.imaging.dicomio import ImageRefused, read_dataset, read_series, require_whole
from hevesy.imaging.dicomio.masks import Mask, read_masks
from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.quantify.peak import DEFAULT, RULES, peak
from hevesy.imaging.quantify.shape import shape
from hevesy.imaging.quantify.statistics import VoiStatistics, is_suv, statistics, tumour_burden
from hevesy.imaging.quantify.suv import apply_suv
from hevesy.imaging.quantify.suv_texts import refused
from hevesy.imaging.quantify.thresholds import RULES as THRESHOLDS
from hevesy.imaging.quantify.thresholds import segment
from hevesy.imaging.quantify.voi import Voi, on_grid_of
from hevesy.imaging.refusal import Refused

# Rules that need nothing but the images and the region.
_ALONE = [key for key in THRESHOLDS if key not in {"LIV", "LIVm", "LIV3", "MBP", "ITM"}]


_OVERLAP = Finding(
    "regions_overlap",
    "Regions overlap; the sums over them count some voxels more than once.",
    "区域互相重叠，总和对部分体素重复计数。",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare images, masks and conventions."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of one series")
    parser.add_argument("--mask", type=Path, required=True, help="SEG, RTSTRUCT or NIfTI labels")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    parser.add_argument("--series", metavar="UID", help="which series of DIR")
    parser.add_argument("--raw", action="store_true", help="measure PET in its stored units")
    parser.add_argument("--incomplete", action="store_true", help="measure although slices miss")
    parser.add_argument("--peak", choices=list(RULES), default=DEFAULT, help="rule of SUVpeak")
    parser.add_argument("--rule", choices=_ALONE, help="threshold inside each region")
    parser.add_argument("--ct", type=Path, metavar="DIR", help="CT series: HU of the same regions")
    corrections.add_arguments(parser)


def run(arguments: Namespace) -> int:
    """Measure and print; returns the exit status."""
    existing(arguments.folder, arguments.mask, arguments.ct)
    read = _read(arguments.folder, arguments.series, arguments)
    volume, notes, made = _measurable(read, arguments)
    ct = None if arguments.ct is None else _read(arguments.ct, None, arguments)
    complain(f"reading {arguments.mask}")
    regions, measured, numbers = [], [], []
    masks = read_masks(arguments.mask, volume)
    if _overlap(masks):
        notes.append(_told(_OVERLAP))
    for mask in masks:
        complain(f"region {mask.number} {mask.name}")
        told: dict[str, Any] = {"number": mask.number, "name": mask.name}
        told["findings"] = [_told(one) for one in mask.findings]
        try:
            values, found = _measures(volume, mask, ct, arguments)
            regions.append(told | {"status": "ok"} | values)
            measured.append(found)
            numbers.append(mask.number)
        except Refused as refusal:
            regions.append(told | told_of(refusal))
    # Without any region measured, the first reason stands for the whole.
    whole = {"status": "ok"}
    if not measured:
        keys = ("status", "reason", "text_en", "text_zh")
        whole = {key: regions[0][key] for key in keys} if regions else told_of(_nothing())
    result: dict[str, Any] = {
        **whole,
        "series_instance_uid": volume.series_instance_uid,
        "modality": volume.modality,
        "units": volume.units,
        "suv": made,
        "warnings": notes,
        "regions": regions,
    }
    if measured and is_suv(volume.units):
        burden = tumour_burden(measured, units=volume.units, numbers=numbers)
        result["burden"] = burden.as_json()
    if arguments.json:
        answer(result)
    else:
        for one in regions:
            sys.stdout.write(_line(one) + "\n")
    return 0 if measured else 1


def _read(folder: Path, uid: str | None, arguments: Namespace) -> Volume:
    series: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        if not path.is_file():
            continue
        try:
            header = read_dataset(path, with_pixels=False)
        except (ImageRefused, OSError) as error:
            complain(f"{path}: {error}")
            continue
        if str(header.get("Modality", "")) in {"PT", "CT", "NM", "MR"}:
            series.setdefault(str(header.get("SeriesInstanceUID", "")), []).append(path)
    if uid is not None:
        series = {uid: series[uid]} if uid in series else {}
    if not series:
        raise ImageRefused("no_images")
    if len(series) > 1:
        raise ImageRefused("several_series", ", ".join(series))
    paths = next(iter(series.values()))
    complain(f"reading {len(paths)} files of {folder}")
    volume = read_series(paths)
    if not arguments.incomplete:
        require_whole(volume)
    return volume


def _measurable(
    volume: Volume, arguments: Namespace
) -> tuple[Volume, list[dict[str, Any]], dict[str, Any] | None]:
    """The volume in the units to measure, what a reader should know of it, how its SUV was made."""
    notes = [_told(one) for one in volume.findings]
    if volume.modality != "PT" or arguments.raw:
        return volume, notes, None
    factor = corrections.factor_of(volume, arguments).as_kind(arguments.type.upper())
    if factor.refused:
        raise refused(factor.refused)
    notes += [one.as_json() for one in factor.warnings]
    return apply_suv(volume, factor), notes, factor.provenance()


def _measures(
    volume: Volume, mask: Mask, ct: Volume | None, arguments: Namespace
) -> tuple[dict[str, Any], VoiStatistics]:
    voi = Voi.of_mask(mask.array)
    values: dict[str, Any] = {}
    if arguments.rule is not None:
        bounded = segment(volume, voi, arguments.rule)
        voi, values["threshold"] = bounded.voi, bounded.as_json()
    found = statistics(volume, voi)
    values |= {
        "statistics": found.as_json(),
        "peak": peak(volume, voi, rule=arguments.peak).as_json(),
        "shape": shape(volume, voi).as_json(),
    }
    if ct is not None:
        values["ct"] = statistics(ct, on_grid_of(voi, volume, ct)).as_json()
    return values, found


def _overlap(masks: tuple[Mask, ...]) -> bool:
    seen: npt.NDArray[np.bool_] | None = None
    for mask in masks:
        if seen is not None and bool(np.any(seen & mask.array)):
            return True
        seen = mask.array.copy() if seen is None else seen | mask.array
    return False


def _nothing() -> Refused:
    return Refused(
        "no_regions",
        "The mask holds no region; draw one first.",
        "掩膜中没有任何区域，请先勾画。",
    )


def _told(finding: Finding) -> dict[str, Any]:
    return {"key": finding.key, "text_en": finding.text_en, "text_zh": finding.text_zh}


def _line(region: dict[str, Any]) -> str:
    name = f"{region['number']} {region['name']}".rstrip()
    if region["status"] != "ok":
        return f"{name}: refused [{region['reason']}] {region['text_en']} {region['text_zh']}"
    found, top, form = region["statistics"], region["peak"], region["shape"]
    return (
        f"{name}: {found['units']} max {found['max']:.4g}, peak {top['value']:.4g}"
        f" ({top['rule']}), mean {found['mean']:.4g} ± {found['std']:.4g},"
        f" {found['volume_ml']:.4g} mL, {form['long_axis_mm']:.4g} mm"
    )
