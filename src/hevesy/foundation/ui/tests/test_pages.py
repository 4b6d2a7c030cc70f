"""The frame of every page: who sees what in it, and what it says when something is refused or fails."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import include, path

from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.guards import needs, public
from hevesy.foundation.accounts.models import User
from hevesy.foundation.ui import toasts

ClientOf = Callable[[User], Client]


@needs()
def refusing(request: HttpRequest) -> HttpResponse:
    raise Refused("此患者已在另一台登记。请刷新后再试。")


@needs("no.such.right")
def forbidding(request: HttpRequest) -> HttpResponse:
    return HttpResponse("never")


@public
def failing(request: HttpRequest) -> HttpResponse:
    raise ValueError("broken on purpose")


@public
def absent(request: HttpRequest) -> HttpResponse:
    raise Http404


@needs()
def announcing(request: HttpRequest) -> HttpResponse:
    toasts.toast(request, "已保存")
    return HttpResponse("<p>fragment</p>")


urlpatterns = [
    path("", include(settings.ROOT_URLCONF)),
    path("t/refusing/", refusing),
    path("t/forbidding/", forbidding),
    path("t/failing/", failing),
    path("t/absent/", absent),
    path("t/announcing/", announcing),
]
handler404 = "hevesy.foundation.ui.views.missing"
handler500 = "hevesy.foundation.ui.views.failed"

pytestmark = pytest.mark.urls(__name__)


def test_the_home_page_greets_in_chinese_and_names_the_page(
    a_registrar: User, client_of: ClientOf
) -> None:
    page = client_of(a_registrar).get("/")

    assert page.status_code == 200
    text = page.content.decode()
    assert 'lang="zh-hans"' in text
    assert a_registrar.name_zh in text
    assert "<title>我的工作台 · Hevesy</title>" in text
    assert page.headers["Content-Language"] == "zh-hans"


def test_no_page_may_run_inline_scripts_or_styles(a_registrar: User, client_of: ClientOf) -> None:
    page = client_of(a_registrar).get("/")

    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    scripts = next(part for part in policy.split(";") if part.strip().startswith("script-src"))
    assert "unsafe" not in scripts
    assert " style=" not in page.content.decode()
    assert " onclick=" not in page.content.decode()


def test_language_follows_the_choice_and_not_the_browser(
    a_registrar: User, client_of: ClientOf
) -> None:
    client = client_of(a_registrar)
    assert b'lang="zh-hans"' in client.get("/", headers={"Accept-Language": "en-US"}).content

    client.post("/ui/language/", {"language": "en", "next": "/"})

    assert b'lang="en"' in client.get("/").content
    a_registrar.refresh_from_db()
    assert a_registrar.preferences["language"] == "en"


def test_language_can_be_changed_before_login(client: Client) -> None:
    answer = client.post("/ui/language/", {"language": "en", "next": "https://evil.example/"})

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/"
    assert client.cookies["django_language"].value == "en"
    assert client.post("/ui/language/", {"language": "tlh"}).status_code == 400


def test_a_refusal_becomes_a_page_that_says_what_to_do(
    a_registrar: User, client_of: ClientOf
) -> None:
    page = client_of(a_registrar).get("/t/refusing/")

    assert page.status_code == 409
    assert "请刷新后再试" in page.content.decode()
    assert page.headers["X-Reference"] in page.content.decode()


def test_a_refusal_becomes_a_toast_for_htmx(a_registrar: User, client_of: ClientOf) -> None:
    answer = client_of(a_registrar).get("/t/refusing/", headers={"HX-Request": "true"})

    assert answer.status_code == 409
    assert answer.headers["HX-Reswap"] == "none"
    notice = json.loads(answer.headers["HX-Trigger"])["hv:toast"]["notices"][0]
    assert notice == {"text": "此患者已在另一台登记。请刷新后再试。", "tone": "amber"}


def test_a_refusal_becomes_json_for_a_program(a_registrar: User, client_of: ClientOf) -> None:
    answer = client_of(a_registrar).get("/t/refusing/", headers={"Accept": "application/json"})

    assert answer.status_code == 409
    assert answer.json()["error"].startswith("此患者")


def test_a_missing_right_is_named(a_registrar: User, client_of: ClientOf) -> None:
    page = client_of(a_registrar).get("/t/forbidding/")

    assert page.status_code == 403
    assert "no.such.right" in page.content.decode()


def test_messages_reach_htmx_without_a_page(a_registrar: User, client_of: ClientOf) -> None:
    answer = client_of(a_registrar).get("/t/announcing/", headers={"HX-Request": "true"})

    notices = json.loads(answer.headers["HX-Trigger"])["hv:toast"]["notices"]
    assert notices == [{"text": "已保存", "tone": "ok"}]


def test_a_failure_says_what_is_safe_and_gives_a_number(client: Client) -> None:
    client.raise_request_exception = False

    page = client.get("/t/failing/")

    assert page.status_code == 500
    text = page.content.decode()
    assert "没有" in text
    assert page.headers["X-Reference"] in text
    assert "broken on purpose" not in text


def test_a_missing_page_is_told_kindly(client: Client) -> None:
    page = client.get("/t/absent/")

    assert page.status_code == 404
    assert "没有这个页面" in page.content.decode()


def test_counts_come_with_the_whole_side_bar_and_mark_the_page_that_asked(
    a_technologist: User, client_of: ClientOf
) -> None:
    client = client_of(a_technologist)
    shown = re.findall(r'class="hv-nav" href="([^"]+)"', client.get("/").content.decode())

    counts = client.get("/ui/counts/?at=/technologist/").content.decode()

    assert re.findall(r'class="hv-nav" href="([^"]+)"', counts) == shown
    assert len(shown) > 1
    assert counts.count('aria-current="page"') == 1
    assert 'hx-swap-oob="true"' in counts
    assert client.get("/ui/counts/?at=javascript:alert(1)").status_code == 200


def test_error_pages_do_not_ask_the_database(rf: RequestFactory) -> None:
    from hevesy.foundation.ui.views import failed

    # No database fixture: a query would fail this test.
    assert failed(rf.get("/")).status_code == 500


def test_the_clock_needs_no_login(client: Client) -> None:
    assert client.get("/ui/time/").json()["now"] > 1_700_000_000_000


def test_every_component_says_what_it_is_for_and_prints_no_comment() -> None:
    folder = Path(__file__).parents[1] / "templates" / "cotton" / "ui"
    for file in folder.glob("*.html"):
        text = file.read_text("utf-8")
        assert text.startswith(("{#", "{% comment %}")), file.name
        assert all("#}" in line for line in text.splitlines() if "{#" in line), file.name
