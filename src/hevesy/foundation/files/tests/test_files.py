"""Stored files and their one address."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.test import RequestFactory

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.files import access, actions, queries, store
from hevesy.foundation.files.models import StoredFile
from hevesy.foundation.files.responses import content_disposition, file_response

pytestmark = pytest.mark.django_db
A_SCANNER = system_actor("scanner")


@pytest.fixture(autouse=True)
def a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> store.LocalStore:
    place = store.LocalStore(tmp_path / "objects", reserve_bytes=0)
    place.create()
    monkeypatch.setattr(store, "_store_at", lambda url, process: place)
    return place


def stored(content: bytes = b"%PDF-1.7", **changes: str) -> StoredFile:
    names = {"name": "申请单.pdf", "media_type": "application/pdf", "kind": "exam.request"}
    return actions.store_file(content, by=A_SCANNER, **{**names, **changes})  # type: ignore[arg-type]


def test_a_stored_file_can_be_read_back_and_leaves_an_audit_row() -> None:
    file = stored()

    assert queries.open_file(file).read() == b"%PDF-1.7"
    assert queries.is_whole(file)
    assert AuditEvent.objects.get().verb == "file.store"


def test_a_stream_is_stored_in_pieces_and_stopped_at_its_limit(a_store: store.LocalStore) -> None:
    with pytest.raises(actions.FileRefused):
        actions.store_file(
            io.BytesIO(b"x" * 5000),
            name="a",
            media_type="text/plain",
            kind="k",
            by=A_SCANNER,
            largest_bytes=4999,
        )

    assert not list(a_store.keys())
    assert not list((a_store.root / "tmp").iterdir())
    assert not StoredFile.objects.exists()


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(actions.FileRefused):
        stored(b"")


def test_a_missing_disk_is_said_in_words_and_stores_nothing(a_store: store.LocalStore) -> None:
    (a_store.root / store.MARKER).unlink()

    with pytest.raises(actions.StorageUnavailable):
        stored()

    assert not StoredFile.objects.exists()


def test_a_flipped_bit_is_noticed(a_store: store.LocalStore) -> None:
    file = stored()
    path = a_store.path(file.key)
    path.chmod(0o600)
    path.write_bytes(b"%PDF-1.6")

    assert not queries.is_whole(file)


@pytest.mark.parametrize(
    ("received", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\申请单.pdf", "申请单.pdf"),
        ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
        ("..", "file"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
    ],
)
def test_a_received_name_becomes_a_label_never_a_path(received: str, kept: str) -> None:
    assert actions.clean_name(received) == kept


def test_names_are_sent_in_both_forms() -> None:
    value = content_disposition('申请 "1".pdf', inline=True)

    assert value == (
        "inline; filename=\"__ _1_.pdf\"; filename*=UTF-8''%E7%94%B3%E8%AF%B7%20%221%22.pdf"
    )


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/xhtml+xml"])
def test_what_could_run_in_a_browser_is_only_ever_saved(media_type: str) -> None:
    response = file_response(io.BytesIO(b"x"), name="x", media_type=media_type, size=1)

    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]


def test_a_kind_without_a_rule_is_closed_and_a_rule_opens_it(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = stored()
    request = rf.get("/")
    monkeypatch.setattr(access, "RULES", {})

    assert not access.may_read(request, file)
    access.register("exam.request", lambda request, stored: "yes" in request.GET)
    assert not access.may_read(request, file)
    assert access.may_read(rf.get("/?yes"), file)
