"""Accounts for the security administrator: people, their roles and sessions."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from hevesy.foundation.accounts import actions, queries
from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.forms import NewPersonForm, PersonForm, RolesForm
from hevesy.foundation.accounts.guards import StaffRequest, needs, people_only
from hevesy.foundation.accounts.models import LoginSession, Role, User


@needs("accounts.manage")
@people_only
def people(request: StaffRequest) -> HttpResponse:
    """Every account, to search and open."""
    text, role = request.GET.get("q", "").strip(), request.GET.get("role", "")
    closed = request.GET.get("closed") == "1"
    context = {
        "people": queries.people(request.actor, text, role, closed=closed),
        "q": text,
        "role": role,
        "closed": closed,
        "roles": Role.objects.all(),
    }
    template = "accounts/_people_rows.html" if request.htmx else "accounts/people.html"
    return render(request, template, context)


@needs("accounts.manage")
@people_only
def new_person(request: StaffRequest) -> HttpResponse:
    """Make an account; its first password is shown once."""
    form = NewPersonForm(request.POST or None)
    if form.is_valid():
        try:
            user = actions.create_user(
                request.actor,
                username=form.cleaned_data["username"],
                name_zh=form.cleaned_data["name_zh"],
                name_latin=form.cleaned_data["name_latin"],
                title=form.cleaned_data["title"],
                roles=form.cleaned_data["roles"],
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            password = actions.reset_password(request.actor, user)
            return _person_page(request, user, new_password=password)
    return render(
        request, "accounts/person_new.html", {"form": form}, status=400 if form.is_bound else 200
    )


@needs("accounts.manage")
@people_only
def person(request: StaffRequest, pk: int) -> HttpResponse:
    """One account; its names and title can be corrected here."""
    user = get_object_or_404(User, pk=pk)
    form = PersonForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        actions.change_person(request.actor, user, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("accounts:person", pk)
    return _person_page(request, User.objects.get(pk=pk), form=form)


@needs("accounts.manage")
@people_only
@require_POST
def person_roles(request: StaffRequest, pk: int) -> HttpResponse:
    """Give the person exactly the roles ticked."""
    user = get_object_or_404(User, pk=pk)
    form = RolesForm(request.POST)
    if form.is_valid():
        actions.set_roles(request.actor, user, form.cleaned_data["roles"])
        messages.success(request, _("Saved. The person must log in again."))
    return redirect("accounts:person", pk)


@needs("accounts.manage")
@people_only
@require_POST
def person_active(request: StaffRequest, pk: int) -> HttpResponse:
    """Close or reopen the account."""
    user = get_object_or_404(User, pk=pk)
    actions.set_active(request.actor, user, request.POST.get("active") == "1")
    return redirect("accounts:person", pk)


@needs("accounts.manage")
@people_only
@require_POST
def person_password(request: StaffRequest, pk: int) -> HttpResponse:
    """Make a new first password, shown once."""
    user = get_object_or_404(User, pk=pk)
    password = actions.reset_password(request.actor, user)
    return _person_page(request, user, new_password=password)


@needs("accounts.manage")
@people_only
@require_POST
def person_unlock(request: StaffRequest, pk: int) -> HttpResponse:
    """Let the person try again after too many wrong passwords."""
    actions.unlock(request.actor, get_object_or_404(User, pk=pk))
    messages.success(request, _("The account is unlocked."))
    return redirect("accounts:person", pk)


@needs("accounts.manage")
@people_only
@require_POST
def person_session_end(request: StaffRequest, pk: int, session_pk: int) -> HttpResponse:
    """End one session of the person."""
    session = get_object_or_404(LoginSession, pk=session_pk, user=pk)
    actions.close_session(request.actor, session)
    return redirect("accounts:person", pk)


def _person_page(
    request: StaffRequest, user: User, *, form: PersonForm | None = None, new_password: str = ""
) -> HttpResponse:
    response = render(
        request,
        "accounts/person.html",
        {
            "person": user,
            "form": form or PersonForm(instance=user),
            "roles": Role.objects.all(),
            "held": {role.key for role in user.roles.all()},
            "sessions": queries.sessions_of(request.actor, user),
            "locked": queries.is_locked(user),
            "new_password": new_password,
        },
        status=400 if form is not None and form.is_bound and form.errors else 200,
    )
    if new_password:
        response["Cache-Control"] = "no-store"
    return response
