"""A person's own page: password, language, keys, sessions, phone."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from hevesy.foundation.accounts import actions, pairing, queries, sessions
from hevesy.foundation.accounts.forms import NewPasswordForm
from hevesy.foundation.accounts.guards import (
    StaffRequest,
    before_password,
    needs,
    people_only,
    public,
)
from hevesy.foundation.accounts.middleware import must_change_password
from hevesy.foundation.stations.drawing import qr_svg


@needs()
@people_only
def profile(request: StaffRequest) -> HttpResponse:
    """Who I am here, what I may do, where I am logged in."""
    return render(
        request,
        "accounts/profile.html",
        {
            "person": request.user,
            "roles": request.user.roles.all(),
            "sessions": queries.sessions_of(request.actor, request.user),
            "present": sessions.session_of(request.session),
            "letter_keys": request.user.preferences.get("letter_keys", True),
        },
    )


@needs()
@before_password
@people_only
@never_cache
@sensitive_post_parameters()
def password(request: StaffRequest) -> HttpResponse:
    """Choose a new password."""
    form = NewPasswordForm(request.POST or None, user=request.user)
    if form.is_valid():
        present = sessions.session_of(request.session)
        try:
            user = actions.change_own_password(
                request.actor, form.cleaned_data["new"], keep=present
            )
        except actions.WeakPassword as refusal:
            form.add_error("new", str(refusal))
        else:
            update_session_auth_hash(request, user)
            if present is not None:
                sessions.move_session(present, request.session.session_key or "")
            messages.success(request, _("The new password holds from now on."))
            return redirect("accounts:profile")
    return render(
        request,
        "accounts/password.html",
        {"form": form, "forced": must_change_password(request.user)},
        status=400 if form.is_bound else 200,
    )


@needs()
@people_only
@require_POST
def prefer(request: StaffRequest, name: str) -> HttpResponse:
    """Keep a preference."""
    value: object = request.POST.get("value", "")
    if name == "letter_keys":
        value = request.POST.get("value") == "on"
    actions.set_preference(request.actor, name, value)
    return redirect("accounts:profile")


@needs()
@people_only
@require_POST
def end_session(request: StaffRequest, pk: int) -> HttpResponse:
    """End one of my own sessions."""
    session = get_object_or_404(request.user.login_sessions, pk=pk)
    actions.close_session(request.actor, session)
    return redirect("accounts:profile")


@needs()
@people_only
@require_POST
def pair(request: StaffRequest) -> HttpResponse:
    """Show the QR code with which my phone joins this session."""
    session = sessions.session_of(request.session)
    if session is None:
        raise Http404
    code = pairing.make_code(request.actor, session)
    url = request.build_absolute_uri(reverse("accounts:join", args=[code]))
    return render(
        request,
        "accounts/pair.html",
        {"qr": qr_svg(url), "url": url, "minutes": pairing.VALID_MINUTES},
    )


@public
@people_only
@never_cache
def join(request: HttpRequest, code: str) -> HttpResponse:
    """On the phone: join the workstation session of the person who shows the code.

    Opening the page uses nothing up (previews of messengers open pages too); the button does.
    """
    if request.method == "POST":
        pairing.join_phone(request, code)
        return redirect("/")
    return render(request, "accounts/join.html", {"session": pairing.find(code)})
