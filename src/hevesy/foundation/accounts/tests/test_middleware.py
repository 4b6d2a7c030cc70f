"""Default deny, tokens, and a session that ends: as a browser or program sees them, on addresses of this test alone."""

import json

import pytest
from django.http import HttpResponse, JsonResponse
from django.test import Client, override_settings
from django.urls import include, path
from django.views.decorators.http import require_POST

from hevesy.foundation.accounts.actions import create_user, issue_token
from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.accounts.guards import needs, people_only, public
from hevesy.foundation.accounts.models import ApiToken
from hevesy.foundation.accounts.tokens import revoke_token


def forgotten(request):
    return HttpResponse("secrets")


@public
def front_door(request):
    return HttpResponse("welcome")


@needs()
def whoami(request):
    return JsonResponse({"name": request.actor.user.username, "channel": request.actor.channel})


@needs("doses.administer")
@require_POST
def inject(request):
    return HttpResponse("injected")


@needs("doses.administer")
async def live(request):
    return HttpResponse("live")


@needs()
@people_only
def people_page(request):
    return HttpResponse("people")


class Classy:
    guard = ("public",)


def classy(request):
    return HttpResponse("class")


classy.view_class = Classy

urlpatterns = [
    path("", include("hevesy.foundation.ui.urls")),
    path("forgotten/", forgotten),
    path("front/", front_door),
    path("whoami/", whoami),
    path("inject/", inject),
    path("async/", live),
    path("people/", people_page),
    path("classy/", classy),
    path("account/", include("hevesy.foundation.accounts.urls")),
    path("", include("hevesy.foundation.ui.urls")),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
TOKENS = system_actor("test", "tokens.manage", "accounts.manage")


def bearer(user, **more):
    return {"HTTP_AUTHORIZATION": f"Bearer {issue_token(user, by=TOKENS, **more)}"}


def test_a_view_that_forgot_its_guard_is_served_to_nobody(client, a_head, client_of):
    assert client.get("/forgotten/").status_code == 403
    assert client_of(a_head).get("/forgotten/").status_code == 403
    with override_settings(DEBUG=True):
        answer = client.get("/forgotten/")
    assert answer.status_code == 500
    assert b"has no guard" in answer.content


def test_public_views_and_guarded_classes_are_served(client):
    assert client.get("/front/").content == b"welcome"
    assert client.get("/classy/").content == b"class"


def test_a_stranger_is_sent_to_the_login_page_and_back(client):
    answer = client.get("/whoami/?a=1")

    assert answer.status_code == 302
    assert answer["Location"] == "/account/login/?next=/whoami/%3Fa%3D1"


def test_a_stranger_s_fragment_and_program_get_401(client):
    fragment = client.get("/whoami/", HTTP_HX_REQUEST="true")
    program = client.get("/whoami/", HTTP_ACCEPT="application/json")

    assert (fragment.status_code, fragment["HX-Redirect"]) == (401, "/account/login/")
    assert (program.status_code, program["WWW-Authenticate"]) == (401, 'Bearer realm="hevesy"')


def test_a_right_is_asked_for_by_views_of_both_kinds(a_nurse, a_clinician, client_of):
    assert client_of(a_nurse).post("/inject/").status_code == 200
    assert client_of(a_nurse).get("/async/").content == b"live"
    assert client_of(a_clinician).post("/inject/").status_code == 403
    assert client_of(a_clinician).get("/async/").status_code == 403


def test_a_program_acts_with_the_rights_of_its_user_and_without_csrf(a_nurse, a_clinician):
    program = Client(enforce_csrf_checks=True)

    assert program.get("/whoami/", **bearer(a_nurse)).json() == {"name": "nurse", "channel": "api"}
    assert program.post("/inject/", **bearer(a_nurse)).status_code == 200
    assert program.post("/inject/", **bearer(a_clinician)).status_code == 403


def test_a_cookie_never_rides_along_with_a_token(a_nurse, a_clinician, client_of):
    browser = client_of(a_nurse, enforce_csrf_checks=True)

    assert browser.get("/whoami/", **bearer(a_clinician)).json()["name"] == "clinician"
    assert browser.post("/inject/", HTTP_AUTHORIZATION="Basic x").status_code == 403


def test_revoked_expired_unknown_tokens_and_closed_accounts_get_401(a_nurse, client, travel):
    headers = bearer(a_nurse)
    revoke_token(ApiToken.objects.get(), by=TOKENS)
    assert client.get("/whoami/", **headers).status_code == 401
    assert client.get("/whoami/", HTTP_AUTHORIZATION="Bearer hv_nonsense").status_code == 401

    from django.utils import timezone

    assert client.get("/whoami/", **bearer(a_nurse, expires_at=timezone.now())).status_code == 401

    headers = bearer(a_nurse)
    a_nurse.is_active = False
    a_nurse.save()
    assert client.get("/whoami/", **headers).status_code == 401


def test_the_database_holds_no_usable_token(a_nurse):
    text = issue_token(a_nurse, by=TOKENS)

    token = ApiToken.objects.get()
    assert text not in json.dumps(
        [str(getattr(token, field.attname)) for field in token._meta.fields]
    )


def test_a_token_opens_no_page_for_people(a_nurse, client):
    assert client.get("/people/", **bearer(a_nurse)).status_code == 403


def test_use_of_a_token_is_noted(a_nurse, client):
    client.get("/whoami/", **bearer(a_nurse))

    token = ApiToken.objects.get()
    assert token.last_used_at is not None
    assert token.last_used_address == "127.0.0.1"


def test_a_first_password_must_be_changed_before_anything_else(client_of, a_secadmin):
    user = create_user(
        TOKENS, username="newcomer", name_zh="新人", password="Fresh-and-long-1", roles=["nurse"]
    )
    browser = client_of(user)

    assert browser.get("/whoami/")["Location"] == "/account/me/password/"
    assert browser.get("/whoami/", HTTP_HX_REQUEST="true")["HX-Redirect"] == "/account/me/password/"
