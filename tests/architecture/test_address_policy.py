"""Every address asked by every role and by strangers opens as the stored policy says (reliability D6, D7)."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.test import Client, RequestFactory
from django.urls import path

from hevesy.foundation.accounts.guards import needs
from hevesy.records.exams.testing import at
from tests.architecture.addresses import Address, every_address, url_of
from tests.architecture.policy import Policy
from tests.architecture.subjects import Subjects
from tests.architecture.walk import walk

ADDRESSES = every_address()
NAMESPACES = sorted({address.namespace for address in ADDRESSES})
WITHOUT_CSRF = {
    # A program without token is told 401 first; a browser's session is checked for forgery after its right
    # (gateways/dicomweb/tests/test_door.py).
    "dicomweb:studies",
    "dicomweb:study",
}


def test_every_view_declares_its_guard() -> None:
    forgotten = [address.name for address in ADDRESSES if not address.guard]

    assert not forgotten, f"decorate these views with needs(…) or public: {forgotten}"


def test_the_policy_names_no_address_that_is_gone() -> None:
    named = {name.removesuffix(" POST") for name in Policy.stored().openers}
    gone = named - {address.name for address in ADDRESSES}

    assert not gone, f"remove from address_policy.toml: {sorted(gone)}"


def test_a_new_view_is_noticed(settings: Any) -> None:
    urls: Any = ModuleType("urls_with_a_new_view")
    urls.urlpatterns = [
        *import_module(settings.ROOT_URLCONF).urlpatterns,
        path("forgotten/", lambda request: HttpResponse(), name="forgotten"),
        path("guarded/", needs("exams.view")(lambda request: HttpResponse()), name="guarded"),
    ]
    settings.ROOT_URLCONF = urls

    forgotten, guarded = every_address()[-2:]
    differences = Policy.stored().differences(Policy({"guarded": frozenset({"nurse"})}))

    assert (forgotten.name, forgotten.guard) == ("forgotten", ())
    assert guarded.guard == ("exams.view",)
    assert len(differences) == 1 and "guarded has no policy" in differences[0]


@pytest.mark.django_db
@pytest.mark.clause("1.7", "10.12")
@pytest.mark.parametrize("namespace", NAMESPACES)
def test_each_role_opens_what_the_policy_says_and_nothing_else(namespace: str) -> None:
    addresses = [address for address in ADDRESSES if address.namespace == namespace]

    measured, broken = walk(addresses)

    assert not broken, "\n".join(broken)
    differences = Policy.stored().differences(measured)
    assert not differences, "\n".join(differences)


@pytest.mark.django_db
@pytest.mark.parametrize("namespace", NAMESPACES)
def test_no_address_takes_a_writing_request_without_csrf_token(namespace: str) -> None:
    subjects, client = Subjects(), Client(enforce_csrf_checks=True, raise_request_exception=False)
    taken = []
    for address in ADDRESSES:
        if address.namespace != namespace or address.name in WITHOUT_CSRF:
            continue
        with time_machine.travel(at(8, 5)):
            url = url_of(address, subjects.values(address))
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            taken += _taken(client, address, url, method)

    assert not taken, "\n".join(taken)


def _taken(client: Client, address: Address, url: str, method: str) -> list[str]:
    """Requests that another site could forge, and that were not refused by the CSRF check."""
    found = []
    of_somebody_else = get_token(RequestFactory().get("/"))
    for headers in (
        {},
        {"HTTP_HX_REQUEST": "true"},
        {"HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_X_CSRFTOKEN": of_somebody_else},
    ):
        status = client.generic(method, url, **headers).status_code
        if status != 403:
            found.append(f"{method} {address.name} {headers}: {status}")
    return found
