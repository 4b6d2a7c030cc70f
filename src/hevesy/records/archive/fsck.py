"""Comparing the rows with the object store: what is lost, short or changed, and what no row names.

Damage is only reported: nothing here deletes what a row names. What no row names is the leftover of a crash between
"file" and "row"; after a day it is adopted if it is an object of ours, else removed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.files.models import StoredFile
from hevesy.foundation.files.store import KEY, sha256_of_key, store
from hevesy.imaging.dicomio.stored import NotPacked, is_packed, unpack
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Instance, PreparedVolume, Refusal
from hevesy.records.archive.stored import is_unchanged

Kind = Literal["lost", "short", "changed", "orphan", "adopted", "removed"]
DAMAGE: frozenset[Kind] = frozenset(("lost", "short", "changed"))
ORPHAN_AGE_S = 24 * 3600
_BATCH = 500

Progress = Callable[[int], None]
Keeper = Callable[[list[str]], set[str]]
KEEPERS: list[Keeper] = []
"""Who else keeps keys of the store. Whoever writes objects without a `StoredFile` registers here, or `fsck --repair`
takes them for leftovers."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, or was put right."""

    kind: Kind
    key: str
    what: str


def keeper(function: Keeper) -> Keeper:
    """Register a function that says which of the given keys it still needs."""
    KEEPERS.append(function)
    return function


def check(
    *, full: bool = False, repair: bool = False, by: Actor, progress: Progress | None = None
) -> Iterator[Finding]:
    """Walk all rows, then all objects; `full` also reads every byte and compares the hashes."""
    yield from _check_rows(full, progress or _silent)
    yield from _check_objects(repair, by, progress or _silent)


def _silent(count: int) -> None:
    """No progress is wanted."""


def _check_rows(full: bool, progress: Progress) -> Iterator[Finding]:
    count = 0
    for instance in Instance.objects.order_by("pk").iterator(chunk_size=2000):
        yield from _check_instance(instance, full)
        count += 1
        progress(count)
    for key, what in (
        *((one.path, f"refusal {one.pk}") for one in Refusal.objects.exclude(path="").iterator()),
        *((one.key, f"file {one.pk} {one.name}") for one in StoredFile.objects.iterator()),
    ):
        yield from _check_key(key, what, full)
        count += 1
        progress(count)


def _check_instance(instance: Instance, full: bool) -> Iterator[Finding]:
    what = f"instance {instance.sop_instance_uid}"
    try:
        size = store().size(instance.path)
    except (OSError, ValueError):
        yield Finding("lost", instance.path, what)
        return
    wanted = instance.packed_size or instance.size
    if size != wanted:
        yield Finding("short", instance.path, f"{what}: {size} of {wanted} bytes")
    elif full and not is_unchanged(instance):
        yield Finding("changed", instance.path, what)


def _check_key(key: str, what: str, full: bool) -> Iterator[Finding]:
    try:
        whole = store().sha256_of(key) == sha256_of_key(key) if full else store().size(key) >= 0
    except (OSError, ValueError):
        yield Finding("lost", key, what)
        return
    if not whole:
        yield Finding("changed", key, what)


def _check_objects(repair: bool, by: Actor, progress: Progress) -> Iterator[Finding]:
    keys = store().keys()
    count = 0
    while batch := list(islice(keys, _BATCH)):
        kept = _kept(batch)
        for key in batch:
            if key not in kept:
                yield _settle_orphan(key, repair, by)
        count += len(batch)
        progress(count)


def _settle_orphan(key: str, repair: bool, by: Actor) -> Finding:
    """Adopt or remove an object that no row names, if it is old enough to belong to nothing that is going on."""
    age = store().age_s(key)
    if not repair or age < ORPHAN_AGE_S or not KEY.fullmatch(key):
        return Finding("orphan", key, f"{age / 3600:.1f} h old")
    if is_dicom(key):
        received = receive(_received_form(key), by=by, received_from="fsck")
        if _kept([key]):
            return Finding("adopted", key, received.outcome)
    gone = store().remove_unless(key, younger_than_s=ORPHAN_AGE_S, named=_kept)
    return Finding("removed" if gone else "orphan", key, f"{age / 3600:.1f} h old")


def _kept(keys: list[str]) -> set[str]:
    return {key for one in KEEPERS for key in one(keys)}


def kept_by_others(own: Keeper, keys: list[str]) -> set[str]:
    """Which of the keys somebody needs besides the keeper `own`."""
    return {key for one in KEEPERS if one is not own for key in one(keys)}


def _received_form(key: str) -> bytes:
    """The bytes to take in again: a packed form whose switch a crash prevented gives what it was made from."""
    content = store().path(key).read_bytes()
    try:
        return unpack(content) if is_packed(content) else content
    except NotPacked:
        return content


def is_dicom(key: str) -> bool:
    """Whether an object begins like the DICOM files that we write."""
    with store().open(key) as file:
        return file.read(132) == bytes(128) + b"DICM"


@keeper
def kept_instances(keys: list[str]) -> set[str]:
    """Keys of stored instances."""
    return set(Instance.objects.filter(path__in=keys).values_list("path", flat=True))


@keeper
def kept_aside(keys: list[str]) -> set[str]:
    """Keys of what was refused or conflicting; kept also when the row is settled."""
    return set(Refusal.objects.filter(path__in=keys).values_list("path", flat=True))


@keeper
def kept_files(keys: list[str]) -> set[str]:
    """Keys of photos, PDF and the like."""
    return set(StoredFile.objects.filter(key__in=keys).values_list("key", flat=True))


@keeper
def kept_volumes(keys: list[str]) -> set[str]:
    """Keys that the headers of prepared volumes name."""
    named: Iterable[dict[str, object]] = PreparedVolume.objects.values_list(
        "header", flat=True
    ).iterator()
    wanted, found = set(keys), set()
    for header in named:
        found |= wanted.intersection(KEY.findall(json.dumps(header)))
    return found
