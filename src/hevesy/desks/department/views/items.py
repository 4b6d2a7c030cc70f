"""Examination items with their phases."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from hevesy.desks.department.forms.items import ItemForm, PhaseFormSet
from hevesy.desks.department.views.entries import tabs
from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.toasts import toast
from hevesy.records.catalogue.actions import PHASE_FIELDS, save_item
from hevesy.records.catalogue.models import ExamItem, ItemPhase
from hevesy.records.catalogue.queries import offered_classes


@require_GET
@needs("catalogue.view")
def items(request: StaffRequest) -> HttpResponse:
    """Every examination, by class."""
    rows = ExamItem.objects.select_related("modality_class", "interview_template").prefetch_related(
        "phases__tracer"
    )
    chosen, text = (
        "".join(c for c in request.GET.get(name, "") if c.isprintable()).strip()[:40]
        for name in ("class", "q")
    )
    if chosen:
        rows = rows.filter(modality_class__code=chosen[:40])
    if text:
        rows = rows.filter(name_zh__icontains=text) | rows.filter(name_en__icontains=text)
    context = {
        "tabs": tabs("items"),
        "rows": rows.order_by("-active", "modality_class__sort", "sort", "id"),
        "classes": offered_classes(),
        "chosen": chosen,
        "text": text,
        "may_edit": request.actor.may("catalogue.edit"),
    }
    template = "department/_items.html" if request.htmx else "department/items.html"
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
@needs("catalogue.edit")
def item(request: StaffRequest, code: str = "") -> HttpResponse:
    """Add or change an examination; `copy=CODE` begins a new one like another."""
    row = get_object_or_404(ExamItem, code=code) if code else None
    like = None
    copied = request.GET.get("copy", "")
    if row is None and copied.isprintable() and copied:
        like = get_object_or_404(ExamItem, code=copied)
    form = ItemForm(request.POST or None, instance=row, initial=_copied(like))
    phases = _phases(request, row, like)
    if request.method == "POST" and form.is_valid() and phases.is_valid():
        try:
            fresh = ExamItem.objects.get(pk=row.pk) if row else None
            saved = save_item(request.actor, fresh, form.cleaned_data, _wanted(phases))
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            toast(request, _("%(name)s is saved.") % {"name": saved.name})
            return redirect("department:items")
    failed = bool(form.errors or (phases.is_bound and any(phases.errors)))
    context = {"tabs": tabs("items"), "form": form, "row": row, "phases": phases}
    status = 400 if request.method == "POST" and failed else 200
    return render(request, "department/item.html", context, status=status)


def _phases(request: StaffRequest, row: ExamItem | None, like: ExamItem | None) -> Any:
    existing = row.phases.all() if row else ItemPhase.objects.none()
    if request.method == "POST":
        return PhaseFormSet(request.POST, prefix="p", queryset=existing)
    if like is not None:
        initial = [
            {name: getattr(phase, name) for name in PHASE_FIELDS} for phase in like.phases.all()
        ]
        formset = PhaseFormSet(prefix="p", queryset=existing, initial=initial)
        formset.extra = len(initial) + 1
        return formset
    return PhaseFormSet(prefix="p", queryset=existing)


def _copied(like: ExamItem | None) -> dict[str, Any]:
    if like is None:
        return {}
    names = (
        "modality_class",
        "interview_template",
        "preparation_zh",
        "preparation_en",
        "scan_min",
        "requires_interview",
        "source",
        "sort",
    )
    values = {name: getattr(like, name) for name in names}
    return values | {
        "code": f"{like.code}-2",
        "name_zh": like.name_zh,
        "name_en": like.name_en,
        "body_parts": like.body_parts.all(),
    }


def _wanted(phases: Any) -> list[dict[str, Any]]:
    """The phases that were filled in and not ticked for removal."""
    wanted = []
    for form in phases.forms:
        values = form.cleaned_data
        if not values or values.get("DELETE"):
            continue
        if form.instance.pk is None and not form.has_changed() and not form.initial:
            continue
        wanted.append({name: values.get(name) for name in PHASE_FIELDS})
    return wanted
