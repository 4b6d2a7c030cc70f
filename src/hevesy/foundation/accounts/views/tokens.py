"""Tokens of programs, for the security administrator."""

from __future__ import annotations

from datetime import datetime, time

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from hevesy.foundation.accounts import queries
from hevesy.foundation.accounts.forms import TokenForm
from hevesy.foundation.accounts.guards import StaffRequest, needs, people_only
from hevesy.foundation.accounts.models import ApiToken
from hevesy.foundation.accounts.tokens import issue_token, revoke_token


@needs("tokens.manage")
@people_only
def tokens(request: StaffRequest) -> HttpResponse:
    """Every token, and a form to issue one; its text is shown once."""
    form, text = TokenForm(request.POST or None), ""
    if form.is_valid():
        last_day = form.cleaned_data["expires_on"]
        expires_at = timezone.make_aware(datetime.combine(last_day, time.max)) if last_day else None
        text = issue_token(
            form.cleaned_data["user"],
            by=request.actor,
            name=form.cleaned_data["name"],
            expires_at=expires_at,
        )
    response = render(
        request,
        "accounts/tokens.html",
        {
            "tokens": queries.tokens(request.actor),
            "form": TokenForm() if text else form,
            "new_token": text,
            "now": timezone.now(),
        },
        status=400 if form.is_bound and not text else 200,
    )
    response["Cache-Control"] = "no-store"
    return response


@needs("tokens.manage")
@people_only
@require_POST
def revoke(request: StaffRequest, pk: int) -> HttpResponse:
    """End a token now."""
    revoke_token(get_object_or_404(ApiToken, pk=pk), by=request.actor)
    return redirect("accounts:tokens")
