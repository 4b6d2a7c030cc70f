"""Lists and forms of the catalogue's simple kinds, and the preview of a numbering."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from hevesy.desks.department.forms.questions import QuestionForm, QuestionFormSet
from hevesy.desks.department.kinds import KINDS, Kind
from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.toasts import toast
from hevesy.records.catalogue.actions import save_entry
from hevesy.records.catalogue.models import InterviewTemplate, ModalityClass, Named
from hevesy.records.catalogue.numbering import check_template
from hevesy.records.catalogue.numbering import render as render_number


def tabs(chosen: str) -> list[dict[str, Any]]:
    """The kinds of the catalogue as one row of links."""
    rows = [("items", _("Examination items"), reverse("department:items"))]
    rows += [
        (kind.slug, str(kind.title), reverse("department:entries", args=[kind.slug]))
        for kind in KINDS.values()
    ]
    rows.append(("policies", _("Policies"), reverse("department:policies")))
    return [
        {"value": slug, "word": word, "href": url, "on": slug == chosen} for slug, word, url in rows
    ]


def _kind(slug: str) -> Kind:
    if slug not in KINDS:
        raise Http404
    return KINDS[slug]


@require_GET
@needs("catalogue.view")
def index(request: StaffRequest) -> HttpResponse:
    """The catalogue begins with the examinations."""
    return redirect("department:items")


@require_GET
@needs("catalogue.view")
def entries(request: StaffRequest, kind: str) -> HttpResponse:
    """Every entry of a kind, those out of use last."""
    found = _kind(kind)
    rows = found.rows().order_by("-active", "sort", "id")
    context = {
        "kind": found,
        "tabs": tabs(kind),
        "rows": [(row, found.cells(row)) for row in rows],
        "may_edit": request.actor.may("catalogue.edit"),
    }
    return render(request, "department/entries.html", context)


@require_http_methods(["GET", "POST"])
@needs("catalogue.edit")
def entry(request: StaffRequest, kind: str, code: str = "") -> HttpResponse:
    """Add or change an entry."""
    found = _kind(kind)
    if not code and found.fixed:
        raise Http404
    row: Named | None = get_object_or_404(found.rows(), code=code) if code else None
    form = found.form(request.POST or None, instance=row)
    questions = _questions(request, row) if found.model is InterviewTemplate else None
    if request.method == "POST" and form.is_valid() and (questions is None or questions.is_valid()):
        values = dict(form.cleaned_data)
        if questions is not None:
            values["questions"] = [
                part.question() for part in questions.ordered_forms if part.cleaned_data
            ]
        try:
            saved = save_entry(
                request.actor,
                found.model,
                type(row)._default_manager.get(pk=row.pk) if row else None,
                values,
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            toast(request, _("%(name)s is saved.") % {"name": saved.name})
            return redirect("department:entries", found.slug)
    context = {
        "kind": found,
        "tabs": tabs(kind),
        "form": form,
        "row": row,
        "questions": questions,
        "preview": _preview(request, row),
    }
    failed = bool(
        form.errors or (questions is not None and questions.is_bound and questions.errors)
    )
    status = 400 if request.method == "POST" and failed else 200
    return render(request, "department/entry.html", context, status=status)


def _questions(request: StaffRequest, row: Named | None) -> Any:
    if request.method == "POST":
        return QuestionFormSet(request.POST, prefix="q")
    stored = row.questions if isinstance(row, InterviewTemplate) else []
    return QuestionFormSet(prefix="q", initial=[QuestionForm.values_of(q) for q in stored])


@require_GET
@needs("catalogue.edit")
def preview(request: StaffRequest) -> HttpResponse:
    """The next numbers that a template would give, while it is typed."""
    return render(request, "department/_preview.html", {"preview": _preview(request, None)})


def _preview(request: StaffRequest, row: Named | None) -> dict[str, Any]:
    said = request.POST if request.method == "POST" else request.GET
    template = said.get("number_template", "")
    reset = said.get("number_reset", "yearly")
    if not template and isinstance(row, ModalityClass):
        template, reset = row.number_template, row.number_reset
    if not template:
        return {}
    if reset not in ModalityClass.Reset.values:
        reset = "yearly"
    try:
        check_template(template[:60], reset)
    except Refused as refusal:
        return {"fault": str(refusal)}
    today = timezone.localdate()
    return {"numbers": [render_number(template, today, number) for number in (1, 2, 1873)]}
