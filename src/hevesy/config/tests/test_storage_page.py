"""The system administrator sees room, packing, scrub and backup, and decides how a modality is packed."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.urls import reverse

from hevesy.config import storage
from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.audit.actions import record
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.files.store import StoreError, store
from hevesy.records.archive.models import CompressionPolicy, Refusal

pytestmark = [pytest.mark.django_db, pytest.mark.clause("1.1")]


@pytest.fixture(autouse=True)
def an_empty_store(settings, tmp_path):
    settings.STORAGE_URL = f"file:{tmp_path / 'objects'}"
    store().create()


@pytest.fixture
def client(a_sysadmin, client_of):
    return client_of(a_sysadmin)


def test_the_page_warns_of_what_is_wrong_and_says_what_to_do(client, monkeypatch):
    said = client.get(reverse("storage")).content.decode()
    assert "hevesy backup" in said and "CT" in said

    with transaction.atomic():
        record(system_actor("x"), "system.backup")
    Refusal.objects.create(kind="damaged", reason="object_changed")
    monkeypatch.setattr(type(store()), "free_bytes", lambda _self: 0)
    said = client.get(reverse("storage")).content.decode()

    assert "hevesy backup" not in said
    assert "100 %" in said and said.count("hv-note") >= 2


def test_a_storage_that_is_gone_is_told_and_not_an_error(client, monkeypatch):
    def gone(_self):
        raise StoreError(19, "no such device")

    monkeypatch.setattr(type(store()), "total_bytes", gone)

    answer = client.get(reverse("storage"))

    assert answer.status_code == 200 and "no such device" in answer.content.decode()


def test_a_rule_is_saved_and_audited(client):
    form = {"modality": "pt", "kind": "original", "codec": "htj2k", "after_hours": 2}
    assert client.post(reverse("storage_rule"), form).status_code == 302

    row = CompressionPolicy.objects.get()
    assert (row.modality, row.codec, row.after_hours) == ("PT", "htj2k", 2)
    assert AuditEvent.objects.filter(verb="archive.compression").count() == 1


@pytest.mark.parametrize(
    "wrong", [{"modality": "P T"}, {"codec": "lossy"}, {"after_hours": -1}, {"kind": "x"}]
)
def test_a_wrong_rule_is_not_saved(client, wrong):
    form = {"modality": "PT", "kind": "original", "codec": "htj2k", "after_hours": 2} | wrong

    assert client.post(reverse("storage_rule"), form).status_code == 200
    assert not CompressionPolicy.objects.exists()


def test_the_size_of_the_database_is_known():
    assert storage.database_bytes() > 10_000, connection.vendor
