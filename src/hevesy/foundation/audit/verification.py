"""Check every chain from its first link (reliability J16). Other apps add theirs:

verification.register("reports", check_report_versions)     # in AppConfig.ready
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.audit import triggers
from hevesy.foundation.audit.canonical import row_line, row_mac, seal_hash
from hevesy.foundation.audit.models import AuditEvent, AuditSeal
from hevesy.foundation.audit.seals import LATE, anchors, covered_by

READ_AT_ONCE = 2000


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written: in which chain, where (the exact row), and what."""

    chain: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.chain}: {self.where}: {self.what}"


@dataclass
class Outcome:
    """What a verification found; `rows` is how much it looked at."""

    rows: int
    findings: list[Finding]

    @property
    def ok(self) -> bool:
        return not self.findings


Check = Callable[[], Iterable[Finding]]
CHECKS: dict[str, Check] = {}


def register(chain: str, check: Check) -> None:
    """Add a chain to `hevesy verify`. `check` yields findings, the first bad row first."""
    if chain in CHECKS:
        raise ValueError(f"chain {chain} is declared twice")
    CHECKS[chain] = check


def verify(progress: Callable[[int], None] = lambda rows: None) -> Outcome:
    """Check the audit chain and every registered one; `progress` is told how many audit rows were read."""
    outcome = Outcome(rows=0, findings=list(check_triggers()))
    for finding in check_audit(lambda rows: _count(outcome, rows, progress)):
        outcome.findings.append(finding)
    for check in CHECKS.values():
        outcome.findings.extend(check())
    return outcome


def _count(outcome: Outcome, rows: int, progress: Callable[[int], None]) -> None:
    outcome.rows += rows
    progress(outcome.rows)


def check_triggers() -> Iterator[Finding]:
    """Every append-only table still refuses changes."""
    MigrationLoader(connection)  # loading the migrations declares the tables
    for table in triggers.missing(connection):
        yield Finding("database", table, _("the triggers that refuse changes are gone"))


def check_audit(count: Callable[[int], None] = lambda rows: None) -> Iterator[Finding]:
    """Every row is as it was written, none is missing, none was added later, no seal is cut off."""
    previous: AuditSeal | None = None
    for seal in AuditSeal.objects.order_by("number").iterator(READ_AT_ONCE):
        yield from _check_link(seal, previous)
        yield from _check_rows(seal, count)
        previous = seal
    yield from _check_uncovered(previous)
    for number, anchored in anchors():
        found = AuditSeal.objects.filter(number=number).values_list("hash", flat=True).first()
        if found != anchored:
            what = (
                _("differs from its anchor outside of the database")
                if found
                else _(
                    "is anchored outside of the database but missing in it: the tail was cut off"
                )
            )
            yield Finding("audit", _("seal %s") % number, what)


def _check_link(seal: AuditSeal, previous: AuditSeal | None) -> Iterator[Finding]:
    where = _("seal %s") % seal.number
    if seal.number != (previous.number + 1 if previous else 1):
        yield Finding("audit", where, _("the seal before it is missing"))
    elif seal.previous != (previous.hash if previous else ""):
        yield Finding("audit", where, _("does not continue the seal before it"))
    if seal.hash != seal_hash(seal):
        yield Finding("audit", where, _("was changed"))


def _check_rows(seal: AuditSeal, count: Callable[[int], None]) -> Iterator[Finding]:
    digest = hashlib.sha256()
    named = False
    for first, last in seal.ranges:
        expected = first
        rows = AuditEvent.objects.filter(pk__gte=first, pk__lte=last).order_by("pk")
        for event in rows.iterator(READ_AT_ONCE):
            for missing in range(expected, event.pk):
                named = True
                yield _row_finding(missing, _("was deleted"))
            if event.mac != row_mac(event):
                named = True
                yield _row_finding(event.pk, _("was changed"))
            digest.update(row_line(event.pk, event.mac))
            expected = event.pk + 1
        for missing in range(expected, last + 1):
            named = True
            yield _row_finding(missing, _("was deleted"))
        count(last - first + 1)
    if not named and digest.hexdigest() != seal.rows_sha256:
        where = _("rows %(first)s to %(last)s") % {"first": seal.first_id, "last": seal.last_id}
        yield Finding("audit", where, _("were exchanged or replaced"))


def _check_uncovered(last: AuditSeal | None) -> Iterator[Finding]:
    """Rows outside of every seal: forged ones, ones added later, and old ones that nobody sealed."""
    sealed = AuditSeal.objects.order_by("number").values_list("ranges", flat=True)
    low = 0
    total = AuditEvent.objects.filter(pk__lte=last.last_id).count() if last else 0
    counted = sum(AuditSeal.objects.values_list("count", flat=True).iterator(READ_AT_ONCE))
    suspects = AuditEvent.objects.filter(pk__gt=last.last_id if last else 0)
    if total != counted:
        # Rare and worth the memory: some row is in no seal, or a sealed one is gone.
        suspects = AuditEvent.objects.filter(pk__gt=low)
    covered = covered_by(sealed.iterator(READ_AT_ONCE)) if total != counted else set()
    waiting_since = timezone.now() - LATE
    for event in suspects.order_by("pk").iterator(READ_AT_ONCE):
        if event.pk in covered:
            continue
        if event.mac != row_mac(event):
            yield _row_finding(event.pk, _("was inserted, not written by Hevesy"))
        elif last and event.pk <= last.last_id and last.at - event.at > LATE:
            yield _row_finding(event.pk, _("was inserted after its time was sealed"))
        elif event.at < waiting_since:
            yield _row_finding(event.pk, _("was never sealed: is the clock running?"))


def _row_finding(number: int, what: str) -> Finding:
    return Finding("audit", _("row %s") % number, what)
