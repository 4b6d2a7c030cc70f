"""Measures of drawn regions: `hevesy image measure DIR --mask FILE --json`.

DIR holds one PET or CT series (or name it with --series); FILE is a DICOM SEG, RTSTRUCT or NIfTI
label file. PET is measured in SUV; without an SUV the verb refuses, `--raw` measures the stored
units. `--harmonise` measures a filtered copy of the PET too, beside the native values: the same
region, with `--rule` bounded anew in the copy. Exit status 0 if at least one region was measured.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hevesy.imaging.commands import answer, complain, corrections, existing, told_of
from hevesy.imaging.commands.references import add_reference_arguments, reference
from hevesy.imaging.dicomio import ImageRefused, read_dataset, read_series, require_whole
from hevesy.imaging.dicomio.masks import Mask, read_masks
from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.quantify.harmonise import Harmonisation, harmonised, read_harmonisation
from hevesy.imaging.quantify.lesion import References
from hevesy.imaging.quantify.peak import DEFAULT, RULES, peak
from hevesy.imaging.quantify.shape import shape
from hevesy.imaging.quantify.statistics import VoiStatistics, is_suv, statistics, tumour_burden
from hevesy.imaging.quantify.suv import apply_suv
from hevesy.imaging.quantify.suv_texts import refused
from hevesy.imaging.quantify.thresholds import RULES as THRESHOLDS
from hevesy.imaging.quantify.thresholds import segment
from hevesy.imaging.quantify.voi import Voi, on_grid_of
from hevesy.imaging.refusal import Refused

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
    parser.add_argument("--rule", choices=list(THRESHOLDS), help="threshold inside each region")
    parser.add_argument("--ct", type=Path, metavar="DIR", help="CT series: HU of the same regions")
    add_reference_arguments(parser)
    corrections.add_arguments(parser)


def run(arguments: Namespace) -> int:
    """Measure and print; returns the exit status."""
    existing(arguments.folder, arguments.mask, arguments.ct)
    existing(arguments.liver, arguments.blood_pool)
    by = None if arguments.harmonise is None else read_harmonisation(arguments.harmonise)
    read = _read(arguments.folder, arguments.series, arguments)
    volume, notes, made = _measurable(read, arguments)
    ct = None if arguments.ct is None else _read(arguments.ct, None, arguments)
    copy = None if by is None else _copy(volume, by)
    complain(f"reading {arguments.mask}")
    references = _references(volume, arguments)
    copied = None if copy is None else _references(copy, arguments)
    regions, measured, numbers, filtered, filtered_numbers = [], [], [], [], []
    masks = read_masks(arguments.mask, volume)
    if _overlap(masks):
        notes.append(_told(_OVERLAP))
    for mask in masks:
        complain(f"region {mask.number} {mask.name}")
        told: dict[str, Any] = {"number": mask.number, "name": mask.name}
        told["findings"] = [_told(one) for one in mask.findings]
        try:
            values, found = _measures(volume, mask, ct, references, arguments)
            measured.append(found)
            numbers.append(mask.number)
            regions.append(told | {"status": "ok"} | values)
        except Refused as refusal:
            regions.append(told | told_of(refusal))
            continue
        if copy is not None and by is not None and copied is not None:
            try:
                values, found = _measures(copy, mask, None, copied, arguments)
                own = {key: by.named(one) for key, one in values.items()}
                filtered.append(found)
                filtered_numbers.append(mask.number)
                regions[-1]["harmonised"] = {"status": "ok"} | own
            except Refused as refusal:
                regions[-1]["harmonised"] = told_of(refusal)
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
    if by is not None:
        result["harmonisation"] = by.as_json()
    if measured and is_suv(volume.units):
        burden = tumour_burden(measured, units=volume.units, numbers=numbers)
        result["burden"] = burden.as_json()
        if by is not None:
            burden = tumour_burden(filtered, units=volume.units, numbers=filtered_numbers)
            result["burden_harmonised"] = by.named(burden.as_json())
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


def _copy(volume: Volume, by: Harmonisation) -> Volume:
    if volume.modality != "PT":
        raise Refused(
            "harmonise_pet_only",
            "Only a PET is harmonised; leave --harmonise out for other images.",
            "仅 PET 可作协调化处理；其他图像请去掉 --harmonise。",
            volume.modality,
        )
    return harmonised(volume, by)


def _references(volume: Volume, arguments: Namespace) -> References:
    liver = reference(arguments.liver, volume, "liver")
    blood = reference(arguments.blood_pool, volume, "blood pool")
    return References(
        liver=None if liver is None else (liver.mean, liver.std),
        blood_pool=None if blood is None else (blood.mean, blood.std),
        fwhm_mm=arguments.resolution_mm,
    )


def _measures(
    volume: Volume,
    mask: Mask,
    ct: Volume | None,
    references: References,
    arguments: Namespace,
) -> tuple[dict[str, Any], VoiStatistics]:
    voi = Voi.of_mask(mask.array)
    values: dict[str, Any] = {}
    if arguments.rule is not None:
        bounded = segment(volume, voi, arguments.rule, references=references)
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
    also = ""
    if region.get("harmonised", {}).get("status") == "ok":
        own, ball = region["harmonised"]["statistics"], region["harmonised"]["peak"]
        also = (
            f"; harmonised max {own['max']:.4g}, peak {ball['value']:.4g}, mean {own['mean']:.4g}"
        )
    return (
        f"{name}: {found['units']} max {found['max']:.4g}, peak {top['value']:.4g}"
        f" ({top['rule']}), mean {found['mean']:.4g} ± {found['std']:.4g},"
        f" {found['volume_ml']:.4g} mL, {form['long_axis_mm']:.4g} mm{also}"
    )
