"""Roles and rights: the matrix to read, and a role to change."""

from __future__ import annotations

from django.apps import apps
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hevesy.foundation.accounts import actions, queries
from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.forms import RoleForm
from hevesy.foundation.accounts.guards import StaffRequest, needs, people_only
from hevesy.foundation.accounts.models import Role
from hevesy.foundation.accounts.permissions import DECLARED


@needs("accounts.manage", "audit.read")
@people_only
def roles(request: StaffRequest) -> HttpResponse:
    """Who may do what: every right against every role."""
    return render(request, "accounts/roles.html", queries.permission_matrix())


ACROSS = {
    "statistics": gettext_lazy("Statistics"),
    "system": gettext_lazy("System"),
    "tokens": gettext_lazy("Program tokens"),
}
"""Rights that are no app's own."""


def _area(code: str) -> str:
    """What the right is about: the name of the app before its dot, or of what lies across apps."""
    label = code.partition(".")[0]
    if label in ACROSS:
        return str(ACROSS[label])
    return str(apps.get_app_config(label).verbose_name)


@needs("accounts.manage")
@people_only
def role(request: StaffRequest, key: str) -> HttpResponse:
    """Change what a role may do at this site."""
    found = get_object_or_404(Role, key=key)
    choices = [(code, str(label)) for code, label in DECLARED.items()]
    form = RoleForm(
        request.POST or None,
        choices=choices,
        initial={"idle_minutes": found.idle_minutes, "permissions": found.permissions},
    )
    if form.is_valid():
        try:
            actions.change_role(
                request.actor,
                found,
                permissions=form.cleaned_data["permissions"],
                idle_minutes=form.cleaned_data["idle_minutes"],
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Saved."))
            return redirect("accounts:roles")
    held = set(form["permissions"].value() or [])
    groups: dict[str, list[tuple[str, str, bool]]] = {}
    for code, label in choices:
        groups.setdefault(_area(code), []).append((code, label, code in held))
    return render(
        request,
        "accounts/role.html",
        {"role": found, "form": form, "groups": groups, "holders": found.users.count()},
        status=400 if form.is_bound else 200,
    )
