"""Finding, registering, correcting and merging people."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from hevesy.desks.registration.forms import MergeForm, PatientForm
from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.toasts import toast
from hevesy.records.exams import queries as exam_queries
from hevesy.records.patients import actions, queries
from hevesy.records.patients.identity import IdCardRefused, read_id_card
from hevesy.records.patients.models import Merge, Patient
from hevesy.records.patients.pinyin import has_han


def visible(request: StaffRequest, pk: int) -> Patient:
    """The person, if this user may read him; a merged record leads to its survivor in `patient`."""
    if not request.actor.may("patients.view"):
        raise Http404
    return get_object_or_404(Patient.objects.select_related("merged_into"), pk=pk)


@require_GET
@needs("exams.book")
def find(request: StaffRequest) -> HttpResponse:
    """A new registration begins with looking for the person."""
    text = request.GET.get("q", "").strip()[:60]
    patients = queries.search(text, request.actor, 12) if text else []
    latest: dict[int, Any] = {}
    exams = exam_queries.visible_to(request.actor).filter(patient__in=patients)
    for exam in exams.select_related("item").order_by("-id"):
        latest.setdefault(exam.patient_id, exam)
    context = {
        "text": text,
        "found": [(patient, latest.get(patient.pk)) for patient in patients],
        "new_url": f"{reverse('registration:new_patient')}?{urlencode({'q': text})}",
    }
    template = "registration/_found.html" if request.htmx else "registration/find.html"
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
@needs("patients.edit")
def new(request: StaffRequest) -> HttpResponse:
    """Register a person; candidates for the same person are shown before a second record is made."""
    if request.method == "GET":
        form = PatientForm(initial=_from_text(request.GET.get("q", "").strip()[:60]))
        return render(request, "registration/new_patient.html", {"form": form, "candidates": []})
    form = PatientForm(request.POST)
    candidates: list[queries.Candidate] = []
    if form.is_valid():
        candidates = _candidates(form)
        confirmed = request.POST.get("confirmed") == "1"
        if not candidates or (confirmed and not any(row.certain for row in candidates)):
            try:
                patient = _register(request, form)
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                toast(request, _("%(name)s is registered.") % {"name": patient.name_zh})
                return redirect("registration:book", patient.pk)
    return render(
        request,
        "registration/new_patient.html",
        {"form": form, "candidates": candidates, "ask": bool(candidates)},
        status=400 if form.errors else 200,
    )


def _register(request: StaffRequest, form: PatientForm) -> Patient:
    values = form.cleaned_data
    return actions.register_patient(
        request.actor,
        name_zh=values["name_zh"],
        sex=values["sex"],
        birth_date=values["birth_date"],
        phone=values["phone"],
        identifiers=form.identifiers(),
        name_latin=values["name_latin"],
        allergies=values["allergies"],
    )


def _candidates(form: PatientForm, but: int | None = None) -> list[queries.Candidate]:
    values = form.cleaned_data
    return queries.duplicates(
        name_zh=values.get("name_zh", ""),
        sex=values.get("sex", ""),
        birth_date=values.get("birth_date"),
        phone=values.get("phone", ""),
        identifiers=[row for row in form.identifiers() if row[2]],
        but=but,
    )


def _from_text(text: str) -> dict[str, Any]:
    """What the search text already says about a new person: an ID card, a phone number or a name."""
    if not text:
        return {}
    try:
        from django.utils import timezone

        card = read_id_card(text, today=timezone.localdate())
    except IdCardRefused:
        if has_han(text):
            return {"name_zh": text}
        return {"phone": text} if text.isdecimal() and len(text) >= 7 else {}
    return {"id_card": card.number, "sex": card.sex, "birth_date": card.birth_date}


@require_POST
@needs("patients.edit")
def check(request: StaffRequest) -> HttpResponse:
    """While the form is filled in: read the ID card, look for the same person.

    The form itself is not drawn anew: somebody is typing in it. What the card says is sent as an event.
    """
    form = PatientForm(request.POST)
    form.is_valid()
    for name in list(form.errors):
        if not request.POST.get(name):
            del form.errors[name]  # what was not typed yet is no mistake while typing
    response = render(
        request,
        "registration/_patient_check.html",
        {"form": form, "candidates": _candidates(form)},
    )
    if form.card is not None:
        said = {
            "id_card": form.card.number,
            "sex": form.card.sex,
            "birth_date": form.card.birth_date.isoformat(),
        }
        response.headers["HX-Trigger"] = json.dumps({"registration:card": said})
    return response


@require_GET
@needs("patients.view")
def patient(request: StaffRequest, pk: int) -> HttpResponse:
    """A person: numbers, examinations, merges."""
    found = visible(request, pk)
    if found.merged_into is not None:
        return redirect("registration:patient", found.merged_into.pk)
    exams = exam_queries.with_rows(exam_queries.visible_to(request.actor)).filter(patient=found)
    context = {
        "patient": found,
        "identifiers": found.identifiers.all(),
        "exams": exams.order_by("-id")[:200],
        "merges": found.merges.filter(undone_at__isnull=True).select_related("alias", "by"),
        "may_edit": request.actor.may("patients.edit"),
        "may_merge": request.actor.may("patients.merge"),
        "may_book": request.actor.may("exams.book"),
    }
    return render(request, "registration/patient.html", context)


@require_http_methods(["GET", "POST"])
@needs("patients.edit")
def edit(request: StaffRequest, pk: int) -> HttpResponse:
    """Correct a person's data."""
    found = visible(request, pk)
    form = PatientForm(request.POST or None, initial=PatientForm.values_of(found))
    version = request.POST.get("version", str(found.version))
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        names = ("name_zh", "sex", "birth_date", "phone", "name_latin", "allergies")
        try:
            actions.correct_patient(
                request.actor,
                found,
                version=int(version) if version.isdecimal() else 0,
                identifiers=form.identifiers(),
                **{name: values[name] for name in names},
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            toast(request, _("Saved."))
            return redirect("registration:patient", found.pk)
    return render(
        request,
        "registration/edit_patient.html",
        {"form": form, "patient": found, "version": version},
        status=400 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@needs("patients.merge")
def merge(request: StaffRequest, pk: int) -> HttpResponse:
    """Declare another record to be this person: find it, compare, say why."""
    found = visible(request, pk)
    text = request.GET.get("q", "").strip()[:60]
    if request.method == "POST":
        form = MergeForm(request.POST)
        if form.is_valid():
            alias = visible(request, form.cleaned_data["alias"])
            actions.merge_patients(
                request.actor, survivor=found, alias=alias, reason=form.cleaned_data["reason"]
            )
            toast(request, _("%(number)s is merged.") % {"number": alias.patient_id})
            return redirect("registration:patient", found.pk)
    others = queries.search(text or found.name_zh, request.actor, 12)
    alias_key = request.GET.get("alias", "")
    context = {
        "patient": found,
        "text": text,
        "others": [row for row in others if row.pk != found.pk],
        "alias": visible(request, int(alias_key)) if alias_key.isdecimal() else None,
        "form": MergeForm(request.POST or None),
    }
    return render(request, "registration/merge.html", context)


@require_POST
@needs("patients.merge")
def unmerge(request: StaffRequest, pk: int) -> HttpResponse:
    """Undo a merge."""
    done = get_object_or_404(Merge, pk=pk)
    freed = actions.unmerge(request.actor, done)
    toast(request, _("%(number)s is a record of its own again.") % {"number": freed.patient_id})
    return redirect("registration:patient", done.survivor_id)
