"""What the department decides: values with their source, who approved them and from when."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from hevesy.desks.department.forms.policies import PolicyForm
from hevesy.desks.department.views.entries import tabs
from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.toasts import toast
from hevesy.records.catalogue.actions import set_policy
from hevesy.records.catalogue.models import Policy


def _label(policy: Policy) -> str:
    return policy.label_en if (get_language() or "").startswith("en") else policy.label_zh


def worded(value: Any) -> str:
    """A value as one reads it in a list: no brackets; of an entry with a name, the name and its limits."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict):
        name = _name(value)
        if not name:
            return ", ".join(f"{key} {worded(part)}" for key, part in value.items())
        limits = [value.get("lower"), value.get("upper")]
        if limits == [None, None]:
            return name
        span = "–".join("" if limit is None else f"{limit:g}" for limit in limits)
        return f"{name} {span} {value.get('unit', '')}".strip()
    if isinstance(value, list):
        return ", ".join(worded(part) for part in value) or "—"
    return str(value)


def _name(entry: dict[str, Any]) -> str:
    language = "en" if (get_language() or "").startswith("en") else "zh"
    return str(entry.get(f"name_{language}") or entry.get("name_zh") or "")


@require_GET
@needs("catalogue.view")
def policies(request: StaffRequest) -> HttpResponse:
    """Every policy."""
    rows = [(row, _label(row), worded(row.value)) for row in Policy.objects.order_by("key")]
    context = {
        "tabs": tabs("policies"),
        "rows": rows,
        "may_edit": request.actor.may("catalogue.edit"),
    }
    return render(request, "department/policies.html", context)


@require_http_methods(["GET", "POST"])
@needs("catalogue.edit")
def policy(request: StaffRequest, pk: int) -> HttpResponse:
    """Decide one anew."""
    row = get_object_or_404(Policy, pk=pk)
    initial = {
        "source": row.source,
        "approved_by": row.approved_by,
        "effective_from": row.effective_from,
    }
    form = PolicyForm(request.POST or None, value=row.value, label=_label(row), initial=initial)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        try:
            set_policy(request.actor, row, values.pop("value"), **values)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            toast(request, _("Saved."))
            return redirect("department:policies")
    context = {"tabs": tabs("policies"), "row": row, "label": _label(row), "form": form}
    status = 400 if request.method == "POST" and form.errors else 200
    return render(request, "department/policy.html", context, status=status)
