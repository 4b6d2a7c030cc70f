"""The first security administrator of a new installation, made with the code shown on the console."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.first import appoint, code_is_right, nobody_manages
from hevesy.foundation.accounts.forms import FirstAdministratorForm
from hevesy.foundation.accounts.guards import people_only, public


@public
@people_only
@never_cache
@sensitive_post_parameters("code", "password")
def first_administrator(request: HttpRequest) -> HttpResponse:
    """Only while nobody can manage accounts, and only with the console's code."""
    if not nobody_manages():
        raise Http404
    form = FirstAdministratorForm(request.POST or None)
    if form.is_valid():
        if not code_is_right(form.cleaned_data.pop("code")):
            form.add_error("code", _("This is not the code shown on the console."))
        else:
            try:
                appoint(**form.cleaned_data)
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("Made. Log in now."))
                return redirect("accounts:login")
    return render(
        request, "accounts/first.html", {"form": form}, status=400 if form.is_bound else 200
    )
