"""The catalogue a new installation starts with: read from `seeds/*.toml`, never over what a site has edited."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from importlib.resources import files
from typing import Any

from django.conf import settings
from django.db import transaction

from hevesy.imaging.nuclides import NUCLIDES
from hevesy.records.catalogue.models import (
    BodyPart,
    ColourMap,
    ExamItem,
    InterviewTemplate,
    ItemPhase,
    ModalityClass,
    Nuclide,
    Policy,
    ReportTemplate,
    Room,
    Tracer,
)
from hevesy.records.catalogue.numbering import check_template

JULIAN_YEAR_S = 365.25 * 86400
_NUCLIDE_SCHEME = "SCT"


def read_seeds(name: str) -> dict[str, Any]:
    """The content of `seeds/<name>.toml`."""
    return tomllib.loads(files(__package__).joinpath("seeds", f"{name}.toml").read_text("utf-8"))


@transaction.atomic
def seed() -> Iterator[str]:
    """Make what is missing; return one line for each kind of which something was made."""
    made = {
        "modality classes": _classes(),
        "nuclides": _nuclides(),
        "tracers": _tracers(),
        "rooms": _rooms(),
        "body parts": _body_parts(),
        "interview templates": _interviews(),
        "examinations": _items(),
        "report templates": _report_templates(),
        "colour maps": _colour_maps(),
        "policies": _policies(),
    }
    return iter([f"{count} {kind}" for kind, count in made.items() if count])


def _names(row: Mapping[str, Any], sort: int) -> dict[str, Any]:
    return {"name_zh": row["zh"], "name_en": row["en"], "sort": sort}


def _classes() -> int:
    made = 0
    for sort, row in enumerate(read_seeds("classes")["class"], 1):
        check_template(row["number"], row.get("reset", "yearly"))
        made += ModalityClass.objects.get_or_create(
            code=row["code"],
            defaults=_names(row, sort)
            | {
                "dicom_modalities": row["modalities"],
                "number_template": row["number"],
                "number_reset": row.get("reset", "yearly"),
                "report_kind": row["report"],
            },
        )[1]
    return made


def _nuclides() -> int:
    """Half-lives are those of `hevesy.imaging.nuclides`: one truth for activity and image."""
    made = 0
    for sort, nuclide in enumerate(NUCLIDES.values(), 1):
        code = {
            "CodeValue": nuclide.sct_code,
            "CodingSchemeDesignator": _NUCLIDE_SCHEME,
            "CodeMeaning": _meaning(nuclide.symbol, nuclide.name_en),
        }
        made += Nuclide.objects.get_or_create(
            code=nuclide.symbol,
            defaults={
                "name_zh": nuclide.name_zh,
                "name_en": nuclide.name_en,
                "sort": sort,
                "half_life_s": nuclide.half_life_s,
                "source": nuclide.source,
                "dicom_code": code if nuclide.sct_code else {},
            },
        )[1]
    for symbol, row in read_seeds("tracers")["nuclide"].items():
        made += Nuclide.objects.get_or_create(
            code=symbol,
            defaults=_names(row, 100)
            | {
                "half_life_s": row["half_life_y"] * JULIAN_YEAR_S,
                "source": "ICRP Publication 107 (2008)",
                "dicom_code": {
                    "CodeValue": row["code"],
                    "CodingSchemeDesignator": _NUCLIDE_SCHEME,
                    "CodeMeaning": _meaning(symbol, row["en"]),
                },
            },
        )[1]
    return made


def _meaning(symbol: str, name_en: str) -> str:
    """The meaning as DICOM CID 18 writes it: ^18^Fluorine."""
    return f"^{symbol.partition('-')[2]}^{name_en.rpartition('-')[0]}"


def _tracers() -> int:
    made = 0
    for sort, row in enumerate(read_seeds("tracers")["tracer"], 1):
        element, mass = row["nuclide"].split("-")
        value, scheme, meaning = row.get("dicom", ("", "", ""))
        made += Tracer.objects.get_or_create(
            code=row["code"],
            defaults=_names(row, sort)
            | {
                "nuclide": Nuclide.objects.get(code=row["nuclide"]),
                "short": row["short"],
                "plain": row.get("plain", f"{row['nuclide']} {row['label'].lstrip('-')}"),
                "mass_number": mass,
                "element": element,
                "label": row["label"],
                "route": row.get("route", "IV"),
                "dicom_code": {
                    "CodeValue": value,
                    "CodingSchemeDesignator": scheme,
                    "CodeMeaning": meaning,
                }
                if value
                else {},
                "effective_dose_msv_per_mbq": row.get("dose"),
                "effective_dose_source": row.get("dose_source", ""),
            },
        )[1]
    return made


def _rooms() -> int:
    made = 0
    for sort, row in enumerate(read_seeds("rooms")["room"], 1):
        made += Room.objects.get_or_create(
            code=row["code"],
            defaults=_names(row, sort)
            | {
                "kind": row["kind"],
                "floor": row.get("floor", ""),
                "capacity": row.get("capacity", 1),
            },
        )[1]
    return made


def _body_parts() -> int:
    made = 0
    for sort, row in enumerate(read_seeds("body_parts")["part"], 1):
        parent = BodyPart.objects.get(code=row["parent"]) if "parent" in row else None
        made += BodyPart.objects.get_or_create(
            code=row["code"],
            defaults=_names(row, sort)
            | {
                "snomed": row.get("snomed", ""),
                "dicom_body_part": row.get("dicom", ""),
                "parent": parent,
            },
        )[1]
    return made


def question(row: Mapping[str, Any]) -> dict[str, Any]:
    """One question of the seed in the form that `exams.questions` reads."""
    asked = {"label_zh": row["zh"], "label_en": row["en"], "type": row["t"]}
    if "k" in row:
        asked["key"] = row["k"]
    for name in ("unit", "required", "min", "max", "flag"):
        if name in row:
            asked[name] = row[name]
    if "only" in row:
        asked["only_sex"] = row["only"]
    if "when" in row:
        asked["flag_when"] = row["when"]
    if "o" in row:
        parts = [option.split("|") for option in row["o"]]
        asked["options"] = [
            {"value": value, "label_zh": zh, "label_en": en} for value, zh, en in parts
        ]
    return asked


def _interviews() -> int:
    seeds = read_seeds("interviews")
    core = [question(row) for row in seeds["core"]["q"]]
    own = {row["code"]: [question(q) for q in row["q"]] for row in seeds["template"]}
    rows: list[tuple[Mapping[str, Any], str, Sequence[dict[str, Any]]]] = [
        (seeds["core"], "core", core)
    ]
    for row in seeds["template"]:
        like = own[row["like"]] if "like" in row else []
        rows.append((row, row["code"], [*core, *own[row["code"]], *like]))
    return sum(
        InterviewTemplate.objects.get_or_create(
            code=code, defaults=_names(row, sort) | {"questions": questions}
        )[1]
        for sort, (row, code, questions) in enumerate(rows, 1)
    )


def _items() -> int:
    made = 0
    classes = {row.code: row for row in ModalityClass.objects.all()}
    templates = {row.code: row for row in InterviewTemplate.objects.all()}
    tracers = {row.code: row for row in Tracer.objects.all()}
    parts = {row.code: row for row in BodyPart.objects.all()}
    for sort, row in enumerate(read_seeds("items")["item"], 1):
        item, new = ExamItem.objects.get_or_create(
            code=row["code"],
            defaults=_names(row, sort)
            | {
                "modality_class": classes[row["class"]],
                "interview_template": templates[row.get("interview", "core")],
                "preparation_zh": row["prep_zh"].strip(),
                "preparation_en": row["prep_en"].strip(),
                "scan_min": row["scan"],
                "requires_interview": row.get("asks", True),
                "source": row["source"],
            },
        )
        if not new:
            continue
        made += 1
        item.body_parts.set(parts[code] for code in row["parts"])
        ItemPhase.objects.bulk_create(
            _phase(item, number, phase, tracers) for number, phase in enumerate(row["phase"], 1)
        )
    return made


def _phase(
    item: ExamItem, number: int, row: Mapping[str, Any], tracers: Mapping[str, Tracer]
) -> ItemPhase:
    per_kg = row.get("per_kg", (None, None, None))
    uptake = row.get("uptake", (None, None, None))
    mbq, by_weight, least, most = (
        None if value is None else Decimal(str(value)) for value in (row.get("mbq"), *per_kg)
    )
    return ItemPhase(
        item=item,
        number=number,
        name_zh=row.get("zh", ""),
        name_en=row.get("en", ""),
        tracer=tracers[row["tracer"]] if "tracer" in row else None,
        administers=row.get("give", True),
        acquires=row.get("acquire", True),
        scan_min=row.get("scan"),
        activity_mbq=mbq,
        activity_mbq_per_kg=by_weight,
        activity_min_mbq=least,
        activity_max_mbq=most,
        uptake_min=uptake[0],
        uptake_earliest_min=uptake[1],
        uptake_latest_min=uptake[2],
    )


def _report_templates() -> int:
    made = 0
    for sort, row in enumerate(read_seeds("report_templates")["template"], 1):
        made += ReportTemplate.objects.get_or_create(
            code=row["code"],
            defaults=_names(row, sort)
            | {
                "item": ExamItem.objects.get(code=row["item"]) if "item" in row else None,
                "modality_class": ModalityClass.objects.get(code=row["class"])
                if "class" in row
                else None,
                "sections": {
                    key: row[key].strip() for key in ("technique", "findings", "impression")
                },
            },
        )[1]
    return made


def _colour_maps() -> int:
    made = 0
    for sort, row in enumerate(read_seeds("colour_maps")["map"], 1):
        made += ColourMap.objects.get_or_create(
            code=row["code"],
            defaults=_names(row, sort)
            | {"group": row["group"], "source": row["source"], "monotone": row["monotone"]},
        )[1]
    return made


def _policies() -> int:
    made = 0
    for row in read_seeds("policies")["policy"]:
        value = row["demo"] if settings.DEMO and "demo" in row else row["value"]
        made += Policy.objects.get_or_create(
            key=row["key"],
            defaults={
                "value": value,
                "label_zh": row["zh"],
                "label_en": row["en"],
                "source": row.get("source", ""),
            },
        )[1]
    return made
