"""The kinds of catalogue entries that share one list page and one form page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hevesy.desks.department.forms.catalogue import (
    REPORT_KINDS,
    ClassForm,
    ColourMapForm,
    InterviewForm,
    PartForm,
    ReportTemplateForm,
    RoomForm,
    TracerForm,
)
from hevesy.desks.department.forms.queues import PhraseForm, QueueForm, ScreenForm
from hevesy.records.catalogue.models import (
    BodyPart,
    ColourMap,
    InterviewTemplate,
    ModalityClass,
    Named,
    ReportTemplate,
    Room,
    Tracer,
)
from hevesy.records.catalogue.numbering import render
from hevesy.records.queues.models import Phrase, Screen, ServicePoint


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its address, words, model, form, the rows of its list, and what a row says."""

    slug: str
    title: str | Promise
    one: str | Promise
    model: type[Named]
    form: type[forms.ModelForm[Any]]
    heads: tuple[str | Promise, ...]
    cells: Callable[[Any], list[object]]
    rows: Callable[[], QuerySet[Any]]
    fixed: bool = False
    """Whether entries can be changed but not added (what the viewer computes)."""


def _class_cells(row: Any) -> list[object]:
    return [
        render(row.number_template, timezone.localdate(), 1873),
        row.get_number_reset_display(),
        ", ".join(row.dicom_modalities) or "—",
        REPORT_KINDS.get(row.report_kind, row.report_kind),
        row.item_count,
        row.device_count,
    ]


def _tracer_cells(row: Any) -> list[object]:
    coefficient = row.effective_dose_msv_per_mbq
    return [
        row.plain,
        row.nuclide.code,
        row.short,
        row.route,
        f"{coefficient:g} mSv/MBq" if coefficient is not None else _("no coefficient"),
        row.dicom_code.get("CodeValue", "—"),
    ]


def _listed(rows: Any) -> str:
    return ", ".join(row.name for row in rows.all()) or "—"


def _when(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%m-%d %H:%M}" if moment else "—"


KINDS: Mapping[str, Kind] = {
    kind.slug: kind
    for kind in (
        Kind(
            "classes",
            gettext_lazy("Modality classes"),
            gettext_lazy("modality class"),
            ModalityClass,
            ClassForm,
            (
                gettext_lazy("Number, for example"),
                gettext_lazy("Counts anew"),
                gettext_lazy("DICOM modalities"),
                gettext_lazy("Kind of report"),
                gettext_lazy("Examinations"),
                gettext_lazy("Devices"),
            ),
            _class_cells,
            lambda: ModalityClass.objects.annotate(
                item_count=Count("items", distinct=True),
                device_count=Count("devices", distinct=True),
            ),
        ),
        Kind(
            "tracers",
            gettext_lazy("Tracers"),
            gettext_lazy("tracer"),
            Tracer,
            TracerForm,
            (
                gettext_lazy("Written"),
                gettext_lazy("Nuclide"),
                gettext_lazy("Short"),
                gettext_lazy("Route"),
                gettext_lazy("Effective dose"),
                gettext_lazy("DICOM code"),
            ),
            _tracer_cells,
            lambda: Tracer.objects.select_related("nuclide"),
        ),
        Kind(
            "rooms",
            gettext_lazy("Rooms"),
            gettext_lazy("room"),
            Room,
            RoomForm,
            (gettext_lazy("Use"), gettext_lazy("Floor"), gettext_lazy("Places")),
            lambda row: [row.get_kind_display(), row.floor, row.capacity],
            lambda: Room.objects.all(),
        ),
        Kind(
            "parts",
            gettext_lazy("Body parts"),
            gettext_lazy("body part"),
            BodyPart,
            PartForm,
            (gettext_lazy("Belongs to"), gettext_lazy("SNOMED CT"), gettext_lazy("DICOM")),
            lambda row: [row.parent or "—", row.snomed or "—", row.dicom_body_part or "—"],
            lambda: BodyPart.objects.select_related("parent"),
        ),
        Kind(
            "interviews",
            gettext_lazy("Interview templates"),
            gettext_lazy("interview template"),
            InterviewTemplate,
            InterviewForm,
            (gettext_lazy("Questions"), gettext_lazy("Version")),
            lambda row: [
                sum(1 for question in row.questions if question["type"] != "section"),
                row.version,
            ],
            lambda: InterviewTemplate.objects.all(),
        ),
        Kind(
            "templates",
            gettext_lazy("Report templates"),
            gettext_lazy("report template"),
            ReportTemplate,
            ReportTemplateForm,
            (gettext_lazy("Examination"), gettext_lazy("Modality class")),
            lambda row: [row.item or "—", row.modality_class or "—"],
            lambda: ReportTemplate.objects.filter(owner=None).select_related(
                "item", "modality_class"
            ),
        ),
        Kind(
            "colours",
            gettext_lazy("Colour maps"),
            gettext_lazy("colour map"),
            ColourMap,
            ColourMapForm,
            (
                gettext_lazy("Group"),
                gettext_lazy("Origin"),
                gettext_lazy("Brightness rises evenly"),
            ),
            lambda row: [row.group, row.source, _("yes") if row.monotone else _("no")],
            lambda: ColourMap.objects.all(),
            fixed=True,
        ),
        Kind(
            "queues",
            gettext_lazy("Waiting queues"),
            gettext_lazy("waiting queue"),
            ServicePoint,
            QueueForm,
            (
                gettext_lazy("Waits for"),
                gettext_lazy("Letters of the tickets"),
                gettext_lazy("Rooms"),
                gettext_lazy("Only for these classes"),
            ),
            lambda row: [
                row.get_kind_display(),
                row.prefix,
                _listed(row.rooms),
                _listed(row.modality_classes),
            ],
            lambda: ServicePoint.objects.prefetch_related("rooms", "modality_classes"),
        ),
        Kind(
            "screens",
            gettext_lazy("Wall screens"),
            gettext_lazy("wall screen"),
            Screen,
            ScreenForm,
            (gettext_lazy("Queues on it"), gettext_lazy("Last seen"), gettext_lazy("Voice")),
            lambda row: [
                _listed(row.service_points),
                _when(row.seen_at),
                row.get_sound_display(),
            ],
            lambda: Screen.objects.prefetch_related("service_points"),
        ),
        Kind(
            "phrases",
            gettext_lazy("Phrases to announce"),
            gettext_lazy("phrase"),
            Phrase,
            PhraseForm,
            (),
            lambda row: [],
            lambda: Phrase.objects.all(),
        ),
    )
}
