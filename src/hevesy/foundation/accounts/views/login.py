"""Logging in and out, and being told why one was logged out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login as begin_session
from django.contrib.auth import logout as end_session
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from hevesy.foundation.accounts import sessions
from hevesy.foundation.accounts.forms import LoginForm
from hevesy.foundation.accounts.guards import (
    StaffRequest,
    before_password,
    needs,
    passive,
    people_only,
    public,
)
from hevesy.foundation.accounts.hashing import TooManyLogins
from hevesy.foundation.accounts.models import LoginSession


@public
@people_only
@never_cache
@sensitive_post_parameters("password")
def login(request: HttpRequest) -> HttpResponse:
    """Log a person in at this workstation; elsewhere the person is logged out and told."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(_local_next(request))
    form = LoginForm(request, request.POST or None)
    try:
        valid = form.is_valid()
    except TooManyLogins as busy:
        return _page(request, LoginForm(request), str(busy), status=busy.status)
    if not valid:
        return _page(request, form, status=400 if request.method == "POST" else 200)
    target = _local_next(request)
    begin_session(request, form.get_user())
    for displaced in getattr(request, "displaced_sessions", []):
        messages.info(
            request,
            _("You were still logged in at %(where)s; that session has ended. Drafts are kept.")
            % {"where": displaced.where or _("another workstation")},
        )
    return HttpResponseRedirect(target)


@needs()
@before_password
@people_only
@require_POST
def logout(request: StaffRequest) -> HttpResponse:
    """Log out of this browser."""
    end_session(request)
    return redirect("accounts:login")


@public
@people_only
@never_cache
def ended(request: HttpRequest) -> HttpResponse:
    """Why, when and where the session of this browser ended."""
    ended_id = request.session.get("ended_session")
    session = (
        LoginSession.objects.select_related("user", "station").filter(pk=ended_id).first()
        if ended_id
        else None
    )
    if session is None:
        return redirect("accounts:login")
    return render(request, "accounts/ended.html", {"ended": session})


@needs()
@before_password
@people_only
@passive
@never_cache
def session_state(request: StaffRequest) -> HttpResponse:
    """How many seconds this session still has; asking does not keep it alive."""
    session = sessions.session_of(request.session)
    assert session is not None
    left = (sessions.ends_at(session) - timezone.now()).total_seconds()
    return JsonResponse({"seconds_left": max(0, round(left))})


@needs()
@before_password
@people_only
@require_POST
def stay(request: StaffRequest) -> HttpResponse:
    """The person is still here: asking this keeps the session alive."""
    return HttpResponse(status=204)


def locked(request: HttpRequest, *_unused: Any) -> HttpResponse:
    """The login page of an account, known or not, that had too many wrong passwords."""
    minutes = round(settings.AXES_COOLOFF_TIME.total_seconds() / 60)
    sentence = _(
        "Too many wrong passwords. Try again in %(minutes)d minutes, or ask the security administrator to unlock."
    ) % {"minutes": minutes}
    return _page(request, LoginForm(request), sentence, status=429)


def address_of(request: HttpRequest) -> str | None:
    """The network address of the browser. Forwarding headers are the web server's business, not read here."""
    address: str | None = request.META.get("REMOTE_ADDR")
    return address


def _page(
    request: HttpRequest, form: LoginForm, sentence: str = "", *, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "refusal": sentence,
        "next": _local_next(request),
        "station": getattr(request, "station", None),
        "now": timezone.now(),
    }
    return render(request, "accounts/login.html", context, status=status)


def _local_next(request: HttpRequest) -> str:
    """Where to go after login: an address of this site, never another's (reliability D13)."""
    target = str(request.POST.get("next") or request.GET.get("next") or "")
    if url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return target
    return resolve_url(settings.LOGIN_REDIRECT_URL)
