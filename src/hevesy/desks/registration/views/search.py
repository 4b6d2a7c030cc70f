"""Searching examinations by anything recorded (clause 2.5); the query lives in the address, so it can be kept."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from hevesy.desks.registration import boards
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.records.catalogue.models import BodyPart, ExamItem, ModalityClass, Tracer
from hevesy.records.equipment.models import Device
from hevesy.records.exams import queries, states
from hevesy.records.exams.actions import export_exams
from hevesy.records.exams.models import Exam
from hevesy.records.exams.presenting import MARKS
from hevesy.records.exams.queries.finding import BASES, CONTAINS, EXACT
from hevesy.records.patients.models import Patient

PAGE = 50
BASIS_WORDS = {
    "booked": _("time of the examination"),
    "registered": _("registration"),
    "examined": _("end of the acquisition"),
    "administered": _("administration"),
    "state": _("last change of state"),
}


@require_GET
@needs("exams.view")
def search(request: StaffRequest) -> HttpResponse:
    """The search page; without any criterion it shows nothing and says so."""
    asked = {key: value for key, value in request.GET.items() if value and key != "page"}
    page = None
    if asked:
        exams = queries.find(request.actor, criteria(request.GET))
        page = Paginator(exams, PAGE).get_page(request.GET.get("page"))
        page_rows = boards.rows(request.actor, list(page.object_list))
    else:
        page_rows = []
    query = request.GET.copy()
    query.pop("page", None)
    context: dict[str, Any] = {
        "page": page,
        "rows": page_rows,
        "asked": asked,
        "query": query.urlencode(),
        "said": request.GET,
        "fields": _fields(request.GET),
        "basis": list(BASIS_WORDS.items()),
        "may_export": request.actor.may("patients.export"),
    }
    template = "registration/_results.html" if request.htmx else "registration/search.html"
    return render(request, template, context)


@require_GET
@needs("patients.export")
def export(request: StaffRequest) -> HttpResponseBase:
    """The found examinations as CSV; audited, and no cell can be taken for a formula."""
    exams = queries.find(request.actor, criteria(request.GET))
    lines = export_exams(request.actor, exams, query=_plain(request.GET))
    name = f"hevesy-{timezone.localdate():%Y%m%d}.csv"
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _plain(said: QueryDict) -> dict[str, Any]:
    return {key: said.getlist(key)[:50] for key in said if any(said.getlist(key))}


def criteria(said: QueryDict) -> queries.Criteria:
    """The criteria in a query string; what makes no sense is left out."""
    return queries.Criteria(
        text=_text(said, "q", 60),
        basis=said.get("basis", "booked") if said.get("basis") in BASES else "booked",
        first=_date(said.get("from", "")),
        last=_date(said.get("to", "")),
        words=_text(said, "words", 100),
        flag=said.get("flag", "") if said.get("flag") in MARKS else "",
        age_from=_number(said.get("age_from", "")),
        age_to=_number(said.get("age_to", "")),
        late=said.get("late") == "1",
        without_number=said.get("nameless") == "1",
        exact=tuple((name, _values(name, said.getlist(name))) for name in EXACT),
        contains=tuple((name, _text(said, name, 60)) for name in CONTAINS),
    )


def _text(said: QueryDict, name: str, most: int) -> str:
    return "".join(character for character in said.get(name, "") if character.isprintable())[:most]


def _values(name: str, values: list[str]) -> list[str]:
    """Only values that the column can hold: keys are numbers, states and sources are known words."""
    words: dict[str, set[str]] = {
        "state": set(states.STATES),
        "source": set(Exam.Source.values),
        "sex": set(Patient.Sex.values),
    }
    if name in words:
        return [value for value in values if value in words[name]]
    return [value for value in values if value.isdecimal() and len(value) < 18]


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 4 else None


def _fields(said: QueryDict) -> list[dict[str, Any]]:
    """The select fields of the form with what is chosen."""

    def rows(model: Any) -> list[tuple[str, str]]:
        return [(str(row.pk), row.name) for row in model.objects.filter(active=True)]

    offers: list[tuple[str, Any, list[tuple[str, Any]]]] = [
        ("modality_class", _("Modality class"), rows(ModalityClass)),
        ("item", _("Examination"), rows(ExamItem)),
        ("state", _("State"), [(state, states.LOOKS[state].word) for state in states.STATES]),
        (
            "device",
            _("Device"),
            [
                (str(row.pk), row.name)
                for row in Device.objects.filter(modality_classes__isnull=False).distinct()
            ],
        ),
        ("tracer", _("Tracer"), [(str(row.pk), row.plain) for row in Tracer.objects.all()]),
        ("body_part", _("Body part"), rows(BodyPart)),
        ("source", _("Source"), list(Exam.Source.choices)),
        ("priority", _("Priority"), [(str(k), v) for k, v in Exam.Priority.choices]),
        ("sex", _("Sex"), list(Patient.Sex.choices)),
    ]
    fields = [
        {
            "name": name,
            "label": label,
            "options": [("", "—"), *options],
            "value": said.get(name, ""),
        }
        for name, label, options in offers
    ]
    fields.append(
        {
            "name": "flag",
            "label": _("Mark"),
            "options": [("", "—"), *((key, mark.title) for key, mark in MARKS.items())],
            "value": said.get("flag", ""),
        }
    )
    return fields
