"""Studies, the unmatched list where a person links them, and what was refused (clauses 1.2, 1.3, 1.8)."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from hevesy.desks.viewing.candidates import candidates, compare
from hevesy.desks.viewing.jobs import request_volumes
from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.records.archive.actions.studies import link_study, settle_refusal, unlink_study
from hevesy.records.archive.matching import mismatch_texts
from hevesy.records.archive.models import Refusal, Study
from hevesy.records.archive.queries import visible_studies
from hevesy.records.exams.models import Exam
from hevesy.records.exams.queries import visible_to

PAGE = 50


def _searched(rows: QuerySet[Study], text: str) -> QuerySet[Study]:
    for word in text.split()[:5]:
        rows = rows.filter(
            Q(patient_name__icontains=word)
            | Q(patient_id__istartswith=word)
            | Q(accession_number__istartswith=word)
            | Q(study_instance_uid=word)
            | Q(exam__number__istartswith=word)
            | Q(exam__patient__name_zh__contains=word)
            | Q(exam__patient__name_latin__icontains=word)
        )
    return rows


@require_GET
@needs("archive.view")
def studies(request: StaffRequest) -> HttpResponse:
    """Every study, the newest first; htmx asks for the rows alone."""
    text, modality = request.GET.get("q", "").strip()[:60], request.GET.get("modality", "")
    rows = (
        visible_studies(request.actor)
        .select_related("exam__patient", "exam__item")
        .order_by("-study_date", "-id")
    )
    rows = _searched(rows, text)
    if modality:
        rows = rows.filter(series__modality=modality).distinct()
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "q": text,
        "modality": modality,
        "modalities": ("PT", "CT", "NM", "MR", "BMD", "OT", "SR"),
        "unmatched": visible_studies(request.actor).filter(exam=None).count(),
        "may_link": request.actor.may("archive.link"),
    }
    part = request.htmx and request.htmx.target == "studies"
    return render(request, "viewing/_study_rows.html" if part else "viewing/studies.html", context)


@require_GET
@needs("archive.link")
def unmatched(request: StaffRequest) -> HttpResponse:
    """Images that belong to nothing yet. They are kept; a person says where they belong."""
    rows = Study.objects.filter(exam=None).order_by("-last_received_at")[:200]
    studies = [(study, mismatch_texts(study)) for study in rows]
    context = {
        "studies": studies,
        "refused": Refusal.objects.filter(settled_at=None).count(),
        "may_read": request.actor.may("archive.view"),
    }
    return render(request, "viewing/unmatched.html", context)


@require_GET
@needs("archive.link")
def unmatched_study(request: StaffRequest, pk: int) -> HttpResponse:
    """One unmatched study beside the exams that it may belong to, difference by difference."""
    study = get_object_or_404(Study, pk=pk, exam=None)
    text = request.GET.get("q", "").strip()[:60]
    context = {
        "study": study,
        "reasons": mismatch_texts(study),
        "candidates": candidates(study, request.actor, text),
        "q": text,
        "context": " · ".join(
            filter(None, [study.patient_name, study.study_date, " ".join(study.modalities)])
        ),
        "facts": [
            (_("Name"), study.patient_name or "—"),
            (_("Patient ID"), study.patient_id or "—"),
            (_("Birth date"), study.patient_birth_date or "—"),
            (_("Sex"), study.patient_sex or "—"),
            (_("Exam number"), study.accession_number or "—"),
            (_("Study date"), study.study_date or "—"),
            (_("Description"), study.description or "—"),
        ],
        "series": [
            (f"{one.modality} {one.description}", one.found)
            for one in study.series.annotate(found=Count("instances"))
        ],
    }
    part = request.htmx and request.htmx.target == "candidates"
    return render(
        request, "viewing/_candidates.html" if part else "viewing/unmatched_study.html", context
    )


@require_http_methods(["GET", "POST"])
@needs("archive.link")
def link(request: StaffRequest, pk: int, number: str) -> HttpResponse:
    """GET: images and exam side by side. POST: link them; the reason is audited and the exam moves on."""
    study = get_object_or_404(Study.objects.prefetch_related("series"), pk=pk, exam=None)
    exams = visible_to(request.actor).select_related("patient", "item", "modality_class")
    exam: Exam = get_object_or_404(exams, number=number if number.isprintable() else "")
    reason = request.POST.get("reason", "")
    refusal = None
    if request.method == "POST":
        try:
            link_study(request.actor, study, exam, reason=reason)
        except Refused as refused:
            refusal = refused
        else:
            return _after(request, reverse("viewing:unmatched"))
    context = {
        "study": study,
        "comparison": compare(study, exam),
        "reason": reason,
        "refusal": refusal,
    }
    return _dialog(request, "link", context)


@require_http_methods(["GET", "POST"])
@needs("archive.link")
def unlink(request: StaffRequest, uid: str) -> HttpResponse:
    """Take images off an exam, with a reason; they go back to the unmatched list."""
    rows = Study.objects.select_related("exam__patient").exclude(exam=None)
    study = get_object_or_404(rows, study_instance_uid=uid)
    reason = request.POST.get("reason", "")
    refusal = None
    if request.method == "POST":
        try:
            unlink_study(request.actor, study, reason=reason)
        except Refused as refused:
            refusal = refused
        else:
            return _after(request, reverse("viewing:unmatched_study", args=[study.pk]))
    return _dialog(request, "unlink", {"study": study, "reason": reason, "refusal": refusal})


def _dialog(request: StaffRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """The decision as a dialog for htmx, else as a page; 422 when it was refused."""
    template = f"viewing/_{name}.html" if request.htmx else f"viewing/{name}.html"
    return render(request, template, context, status=422 if context["refusal"] else 200)


def _after(request: StaffRequest, address: str) -> HttpResponse:
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)


@require_POST
@needs("archive.view")
def prepare(request: StaffRequest, uid: str) -> HttpResponse:
    """Prepare the volumes of a study again, for example after a failure."""
    study = get_object_or_404(visible_studies(request.actor), study_instance_uid=uid)
    with transaction.atomic():
        request_volumes(study.pk)
    return redirect("viewing:study", uid=uid)


@needs("archive.link")
def refusals(request: StaffRequest) -> HttpResponse:
    """Objects that were not taken in, with the reason; POST takes one off the list with a reason."""
    if request.method == "POST":
        key = request.POST.get("refusal", "")
        refusal = get_object_or_404(Refusal, pk=int(key) if key.isdecimal() else 0)
        settle_refusal(request.actor, refusal, reason=request.POST.get("reason", ""))
        return redirect("viewing:refusals")
    rows = (
        Refusal.objects.filter(settled_at=None)
        .select_related("instance__series__study")
        .order_by("-at")[:200]
    )
    return render(request, "viewing/refusals.html", {"refusals": rows})
