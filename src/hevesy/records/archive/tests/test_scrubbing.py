"""The scrub finds every flipped bit within one round (reliability J12)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.files.store import StoreError, store
from hevesy.records.archive import scrubbing, stored
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Instance, Refusal, Scrub
from hevesy.records.archive.scrubbing import scrub_some
from hevesy.records.archive.testing import a_file

pytestmark = [pytest.mark.django_db, pytest.mark.clause("1.2")]
ARCHIVE = system_actor("archive", "archive.store")


def flip(instance: Instance, place: int) -> None:
    path = store().path(instance.path)
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 8
    path.chmod(0o600)
    path.write_bytes(content)


@pytest.fixture
def thirty_objects() -> list[Instance]:
    for number in range(30):
        receive(a_file(InstanceNumber=number), by=ARCHIVE)
    return list(Instance.objects.order_by("pk"))


def test_twenty_flipped_bits_are_found_in_slices_of_one_round(thirty_objects, monkeypatch):
    monkeypatch.setattr(scrubbing, "SLICE_OBJECTS", 7)
    for number, instance in enumerate(thirty_objects[:20]):
        flip(instance, 37 * number)

    slices = [scrub_some(by=ARCHIVE) for _turn in range(5)]

    assert [one.objects for one in slices] == [7, 7, 7, 7, 2]
    assert [one.finished for one in slices] == [False] * 4 + [True]
    found = Refusal.objects.filter(kind="damaged", reason="object_changed")
    assert {row.instance_id for row in found} == {one.pk for one in thirty_objects[:20]}
    assert AuditEvent.objects.filter(verb="archive.damage").count() == 20
    assert Scrub.objects.get().damaged == scrubbing.damaged_open() == 20


def test_a_lost_object_is_found_and_told_once(thirty_objects):
    store().delete(thirty_objects[4].path)

    scrub_some(by=ARCHIVE)
    scrub_some(by=ARCHIVE, now=timezone.now() + scrubbing.ROUND + timedelta(hours=1))

    assert Refusal.objects.get().reason == "object_lost"
    assert Scrub.objects.count() == 2


def test_a_round_begins_only_when_the_last_is_old(thirty_objects):
    assert scrubbing.is_due() and scrub_some(by=ARCHIVE).finished

    assert not scrubbing.is_due() and scrub_some(by=ARCHIVE) is None


def test_a_store_that_cannot_be_reached_is_no_damage(thirty_objects, monkeypatch):
    def broken(_instance):
        raise StoreError(5, "the store does not answer")

    monkeypatch.setattr(scrubbing, "is_unchanged", broken)
    with pytest.raises(StoreError):
        scrub_some(by=ARCHIVE)

    assert not Refusal.objects.exists() and Scrub.objects.get().position == 0


def test_an_object_packed_meanwhile_is_looked_at_again(thirty_objects, monkeypatch):
    seen: list[int] = []
    real = stored.is_unchanged

    def first_gone(instance):
        seen.append(instance.pk)
        if len(seen) == 1:
            raise FileNotFoundError
        return real(instance)

    monkeypatch.setattr(scrubbing, "is_unchanged", first_gone)

    assert scrub_some(by=ARCHIVE).damaged == 0
    assert seen[0] == seen[1]
