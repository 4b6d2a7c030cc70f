"""Headers, health, metrics, and files sent piece by piece."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import FileResponse, HttpResponse
from django.test import Client
from django.utils import timezone

from hevesy.config import health, logs
from hevesy.config.asgi import PIECE_BYTES, StreamingHandler
from hevesy.config.middleware import PageHeadersMiddleware
from hevesy.foundation.accounts.models import User
from hevesy.foundation.files import store
from hevesy.foundation.jobs.models import Job


@pytest.mark.django_db
def test_pages_are_not_kept_and_run_no_foreign_script(client: Client) -> None:
    response = client.get("/healthz")

    assert response["Cache-Control"] == "no-store"
    assert "camera=(self)" in response["Permissions-Policy"]
    policy = dict(part.split(" ", 1) for part in response["Content-Security-Policy"].split("; "))
    assert policy["script-src"] == policy["style-src"] == policy["default-src"] == "'self'"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_view_may_decide_over_caching_itself(rf: Any) -> None:
    def view(request: Any) -> HttpResponse:
        return HttpResponse(headers={"Cache-Control": "private, max-age=3600, immutable"})

    response = PageHeadersMiddleware(view)(rf.get("/"))

    assert response["Cache-Control"] == "private, max-age=3600, immutable"


@pytest.mark.django_db
def test_health_fails_when_the_disk_is_not_there(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(health, "store", lambda: store.LocalStore(tmp_path / "unmounted"))

    response = client.get("/healthz")

    assert response.status_code == 503
    assert response.json()["storage"] == "failed"


@pytest.mark.django_db
def test_health_is_degraded_while_jobs_wait_too_long(client: Client) -> None:
    an_hour_ago = timezone.now() - timedelta(hours=1)
    Job.objects.create(kind="x", run_after=an_hour_ago, enqueued_at=an_hour_ago)

    response = client.get("/healthz")

    assert response.status_code == 200
    assert (response.json()["status"], response.json()["jobs"]) == ("degraded", "late")


@pytest.mark.django_db
def test_metrics_are_for_this_machine_and_for_the_system_administrator(
    client: Client,
    client_of: Callable[[User], Client],
    a_sysadmin: User,
    a_nurse: User,
) -> None:
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}

    assert 'hevesy_jobs{state="ready"} 0' in client.get("/metrics").content.decode()
    assert client.get("/metrics", **elsewhere).status_code == 403
    proxied = client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"})
    assert proxied.status_code == 403
    assert client_of(a_sysadmin).get("/metrics", **elsewhere).status_code == 200
    assert client_of(a_nurse).get("/metrics", **elsewhere).status_code == 403


def test_a_large_file_is_sent_in_pieces_not_read_whole() -> None:
    threads: set[int] = set()

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            threads.add(threading.get_ident())
            assert size is not None
            assert 0 < size <= PIECE_BYTES
            return super().read(size)

    content = bytes(range(256)) * 8192
    response = FileResponse(Watched(content))
    sent: list[bytes] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message.get("body", b""))

    asyncio.run(StreamingHandler().send_response(response, send))

    assert b"".join(sent) == content
    assert len(sent) >= len(content) // PIECE_BYTES
    assert threads != {threading.get_ident()}


def test_a_traceback_does_not_quote_the_row() -> None:
    text = "IntegrityError: duplicate key\nDETAIL:  Key (name_zh)=(张三) already exists.\nline"

    assert "张三" not in logs.without_values(text)
    assert "line" in logs.without_values(text)


def test_one_message_cannot_flood_the_log() -> None:
    flood = logs.FloodFilter(most=5, seconds=60)
    records = [
        logging.LogRecord("x", logging.ERROR, "", 0, "broken %s", (number,), None)
        for number in range(100)
    ]

    assert sum(flood.filter(record) for record in records) == 5


@pytest.mark.django_db
def test_the_request_log_has_the_route_and_no_search_words(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="hevesy.requests"):
        client.get("/healthz?q=张三")

    assert "GET healthz 200" in caplog.text
    assert "张三" not in caplog.text


def test_a_starting_server_loads_nothing_of_what_computes_images() -> None:
    code = (
        "import sys, django\n"
        "django.setup()\n"
        "import hevesy.config.urls\n"
        "print({'numba', 'scipy', 'skimage', 'SimpleITK', 'matplotlib'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )

    assert done.stdout.strip() == "set()"
