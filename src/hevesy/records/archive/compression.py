"""Packing of stored objects once their study is quiet, by a policy per modality and kind (clause 1.2).

New form → fsync → one transaction that switches the row → the received form is removed by a later job, after the
new one was read from the store and gave the received data set once more. A crash leaves a whole object at every step.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.foundation.files.store import StoreDamaged, store
from hevesy.foundation.jobs.leases import database_now
from hevesy.foundation.jobs.models import Lease
from hevesy.foundation.jobs.running import current_run
from hevesy.imaging.dicomio import ImageRefused
from hevesy.imaging.dicomio.sandbox import ChildLimits, pack_stored_sandboxed
from hevesy.records.archive.fsck import keeper, kept_by_others
from hevesy.records.archive.models import CompressionPolicy, Instance, RetiredObject
from hevesy.records.archive.stored import is_unchanged

logger = logging.getLogger(__name__)

RECEIVED = "received"
"""`Instance.form` of what stays as it was received."""
RETIRED_S = 3600
"""How long the received form stays after the switch: readers that have its path finish."""
BACKUP_LEASE = "backup"
"""While a backup holds it nothing is removed that its snapshot may name."""
BATCH = 64
BATCH_BYTES = 512 * 1024**2
_CHILD = ChildLimits(processor_s=600, wall_s=900.0)
Kind = CompressionPolicy.Kind
Codec = CompressionPolicy.Codec

DEFAULTS: dict[tuple[str, str], str] = {
    # Measured in bench/compression.py: HTJ2K is read two to four times as fast as JPEG-LS at nine tenths of its ratio;
    # on the empty air of PET JPEG-LS wins clearly.
    ("CT", Kind.ORIGINAL): Codec.HTJ2K,
    ("MR", Kind.ORIGINAL): Codec.HTJ2K,
    ("NM", Kind.ORIGINAL): Codec.HTJ2K,
    ("PT", Kind.ORIGINAL): Codec.JPEG_LS,
    ("", Kind.ORIGINAL): Codec.JPEG_LS,
    ("", Kind.RESULT): Codec.DEFLATE,
}
DEFAULT_HOURS = 24
RESULT_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.7",  # secondary capture and its multi-frame forms
    "1.2.840.10008.5.1.4.1.1.11",  # presentation states
    "1.2.840.10008.5.1.4.1.1.30",  # parametric maps
    "1.2.840.10008.5.1.4.1.1.66",  # segmentations, registrations, fiducials
    "1.2.840.10008.5.1.4.1.1.88",  # structured reports, key objects
    "1.2.840.10008.5.1.4.1.1.104",  # encapsulated documents
)
"""Storage SOP classes, with those below them, of what is computed or written and not acquired (PS3.4 B.5)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for one modality (empty: all others) and kind."""

    modality: str
    kind: str
    codec: str
    after_hours: int
    decided_here: bool


def rules() -> list[Rule]:
    """The rules that hold: the site's, and the delivered ones where it decided nothing."""
    decided = {(one.modality, one.kind): one for one in CompressionPolicy.objects.all()}
    found = []
    for modality, kind in sorted(DEFAULTS.keys() | decided.keys()):
        row = decided.get((modality, kind))
        codec = row.codec if row else DEFAULTS[modality, kind]
        hours = row.after_hours if row else DEFAULT_HOURS
        found.append(Rule(modality, kind, codec, hours, row is not None))
    return found


@transaction.atomic
def set_rule(by: Actor, *, modality: str, kind: str, codec: str, after_hours: int) -> None:
    """Decide for a modality and kind. What is packed already stays so; the rest follows the new rule."""
    by.require("system.manage")
    row, _made = CompressionPolicy.objects.update_or_create(
        modality=modality, kind=kind, defaults={"codec": codec, "after_hours": after_hours}
    )
    # What could not be packed by the old rule may be by the new one.
    again = _of(modality, kind, [rule.modality for rule in rules() if rule.kind == kind])
    Instance.objects.filter(again, form=RECEIVED).update(form="")
    record(by, "archive.compression", row, codec=codec, after_hours=after_hours)


def _is_result() -> Q:
    found = Q()
    for root in RESULT_CLASSES:
        found |= Q(sop_class_uid=root) | Q(sop_class_uid__startswith=f"{root}.")
    return found


def _of(modality: str, kind: str, named: Iterable[str]) -> Q:
    """The instances that a rule is about; `named`: modalities of this kind that have rules of their own."""
    of_kind = _is_result() if kind == Kind.RESULT else ~_is_result()
    if modality:
        return of_kind & Q(series__modality=modality)
    return of_kind & ~Q(series__modality__in=[one for one in named if one])


def due(rule: Rule, all_rules: list[Rule], now: datetime) -> QuerySet[Instance]:
    """What a rule would pack now: nobody looked at it yet, and its study has been quiet for long enough."""
    named = [one.modality for one in all_rules if one.kind == rule.kind]
    quiet_since = now - timedelta(hours=rule.after_hours)
    return Instance.objects.filter(
        _of(rule.modality, rule.kind, named),
        form="",
        hindrance="",
        series__study__stable_at__lte=quiet_since,
    )


def anything_due(now: datetime | None = None) -> bool:
    """Whether there is something to pack."""
    found = rules()
    return any(
        due(rule, found, now or timezone.now()).exists()
        for rule in found
        if rule.codec != Codec.NONE
    )


def pack_some(*, by: Actor, now: datetime | None = None) -> int:
    """Pack one batch; how many objects were looked at. Repeatable: a crash in it costs only the work."""
    found, now = rules(), now or timezone.now()
    for rule in found:
        if rule.codec == Codec.NONE:
            continue
        batch: list[Instance] = []
        size = 0
        for instance in due(rule, found, now).order_by("pk")[:BATCH]:
            if batch and size + instance.size > BATCH_BYTES:
                break
            batch.append(instance)
            size += instance.size
        if batch:
            _pack(batch, rule.codec, by=by)
            return len(batch)
    return 0


def _pack(batch: list[Instance], codec: str, *, by: Actor) -> None:
    packed: dict[int, tuple[str, int]] = {}
    there = [one for one in batch if _is_readable(one)]
    with TemporaryDirectory(prefix="hevesy-pack-") as name:
        folder = Path(name)
        for instance, answer in _answers(there, folder, codec):
            # What the child proved must be what the row says was received, or there was damage before.
            if answer.get("packed") and answer["sha256"] == instance.sha256:
                key = store().put_bytes((folder / answer["file"]).read_bytes())
                packed[instance.pk] = (key, int(answer["size"]))
    with current_run().effect(last=False):
        _switch(batch, packed, codec, by=by)


def _is_readable(instance: Instance) -> bool:
    """Whether the object is there and whole enough to be packed; what is not is left to `fsck` and the scrub."""
    try:
        return store().path(instance.path).is_file()
    except (FileNotFoundError, StoreDamaged):
        return False


def _answers(
    batch: list[Instance], folder: Path, codec: str
) -> Iterable[tuple[Instance, dict[str, str]]]:
    """What the child says of each object; one that kills the child is found by asking for each alone."""
    try:
        answers = pack_stored_sandboxed(
            [store().path(one.path) for one in batch], folder, codec, child=_CHILD
        )
    except ImageRefused as refusal:
        if len(batch) == 1:
            logger.warning("object %s cannot be packed: %s", batch[0].sop_instance_uid, refusal)
            return
        for place, one in enumerate(batch):
            alone = folder / f"alone-{place}"
            alone.mkdir()
            for instance, answer in _answers([one], alone, codec):
                yield instance, answer | {"file": f"{alone.name}/{answer['file']}"}
        return
    for place, (instance, answer) in enumerate(zip(batch, answers, strict=True)):
        yield instance, answer | {"file": str(place)}


def _switch(
    batch: list[Instance], packed: dict[int, tuple[str, int]], codec: str, *, by: Actor
) -> None:
    """Let the rows name the new form, and remember the old one for removal; one transaction."""
    now = timezone.now()
    before = after = count = 0
    seen = {one.pk: one.path for one in batch}
    for row in Instance.objects.select_for_update().filter(pk__in=seen, form="").order_by("pk"):
        if row.path != seen[row.pk]:
            continue  # it came back meanwhile, after it had been lost
        if row.pk not in packed:
            row.form = RECEIVED
        else:
            RetiredObject.objects.create(instance=row, path=row.path, retired_at=now)
            row.path, row.packed_size = packed[row.pk]
            row.form = codec
            before, after, count = before + row.size, after + (row.packed_size or 0), count + 1
        row.save(update_fields=["path", "form", "packed_size"])
    if count:
        record(
            by, "archive.compress", codec=codec, objects=count, bytes_before=before,
            bytes_after=after,
        )  # fmt: skip


def release_retired(*, limit: int = 500, now: datetime | None = None) -> int:
    """Remove received forms whose packed form, read from the store, gives the received data set; how many.

    If it does not, the row gets its received form back.
    """
    if Lease.objects.filter(name=BACKUP_LEASE, until__gt=database_now()).exists():
        return 0
    count = 0
    for retired in _replaced(now or timezone.now()).order_by("pk")[:limit]:
        instance = retired.instance
        if instance.path != retired.path and not _proved(instance):
            _put_back(retired)
            continue
        store().remove_unless(retired.path, younger_than_s=0, named=_named_otherwise)
        retired.delete()
        count += 1
    return count


def _replaced(now: datetime) -> QuerySet[RetiredObject]:
    """Received forms that no reader has under its eyes any more."""
    old = now - timedelta(seconds=RETIRED_S)
    return RetiredObject.objects.filter(retired_at__lte=old).select_related("instance")


def anything_replaced(now: datetime | None = None) -> bool:
    """Whether a received form waits for its removal."""
    return _replaced(now or timezone.now()).exists()


def _proved(instance: Instance) -> bool:
    try:
        return is_unchanged(instance)
    except FileNotFoundError:
        return False


def _named_otherwise(keys: list[str]) -> set[str]:
    return kept_by_others(kept_retired, keys)


@transaction.atomic
def _put_back(retired: RetiredObject) -> None:
    logger.error("object %s lost its packed form; the received one is used", retired.instance)
    Instance.objects.filter(pk=retired.instance_id).update(
        path=retired.path, form=RECEIVED, packed_size=None
    )
    retired.delete()


@keeper
def kept_retired(keys: list[str]) -> set[str]:
    """Keys of received forms that wait for their removal."""
    return set(RetiredObject.objects.filter(path__in=keys).values_list("path", flat=True))


@dataclass(frozen=True, slots=True)
class Saving:
    """What packing saved of one modality: objects, and bytes before and after."""

    modality: str
    objects: int
    received_bytes: int
    packed_bytes: int

    @property
    def ratio(self) -> float:
        """How many times smaller."""
        return self.received_bytes / self.packed_bytes if self.packed_bytes else 1.0


def savings() -> list[Saving]:
    """What is saved, by modality."""
    rows = (
        Instance.objects.exclude(packed_size=None)
        .values("series__modality")
        .annotate(count=Count("pk"), received=Sum("size"), packed=Sum("packed_size"))
        .order_by("series__modality")
    )
    return [
        Saving(row["series__modality"], row["count"], row["received"], row["packed"])
        for row in rows
    ]
