"""Read the audit trail: only for who holds `audit.read`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.canonical import canonical
from hevesy.foundation.audit.models import AuditEvent, AuditSeal, Verification
from hevesy.foundation.audit.verbs import verbs_like, word

PatientSearch = Callable[[str], Iterable[int]]
PatientNumbers = Callable[[Collection[int]], Mapping[int, str]]
_patients: list[tuple[PatientSearch, PatientNumbers]] = []

MOST_EXPORTED = 200_000


def know_patients_by(search: PatientSearch, numbers: PatientNumbers) -> None:
    """Let `search(number)` give the ids of patients with a number, and `numbers(ids)` their numbers.

    The trail shows numbers, never names: who reads it reads no clinical content.
    """
    _patients.append((search, numbers))


def patient_numbers(events: Iterable[AuditEvent]) -> dict[int, str]:
    """The numbers of the patients in `events`, by their id."""
    ids = {event.patient_id for event in events if event.patient_id is not None}
    found = {pk: str(pk) for pk in ids}
    for _search, numbers in _patients:
        found.update(numbers(ids))
    return found


@dataclass(frozen=True)
class Filter:
    """What the auditor looks for; an empty part does not narrow."""

    person: str = ""
    patient: str = ""
    verb: str = ""
    since: date | None = None
    until: date | None = None
    outcome: str = ""

    def named(self) -> dict[str, str]:
        """The parts in use, for the audit row about reading the audit."""
        parts = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: str(value) for name, value in parts.items() if value}


def events(by: Actor, wanted: Filter) -> QuerySet[AuditEvent]:
    """The rows that `wanted` names, newest first."""
    by.require("audit.read")
    found = AuditEvent.objects.order_by("-pk")
    if wanted.person:
        found = found.filter(actor_name__icontains=wanted.person)
    if wanted.patient:
        ids = {pk for search, _numbers in _patients for pk in search(wanted.patient)}
        found = found.filter(patient_id__in=ids)
    if wanted.verb:
        found = found.filter(verbs_like(wanted.verb))
    if wanted.since:
        found = found.filter(at__gte=_midnight(wanted.since))
    if wanted.until:
        found = found.filter(at__lt=_midnight(wanted.until + timedelta(days=1)))
    if wanted.outcome:
        found = found.filter(outcome=wanted.outcome)
    return found


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001


EXPORT_HEADS = (
    "id", "at", "node", "actor_id", "actor", "channel", "station", "address", "verb", "what", "outcome",
    "subject_type", "subject_id", "patient_id", "details", "nonce", "mac",
)  # fmt: skip


def export_rows(by: Actor, wanted: Filter) -> Iterator[tuple[object, ...]]:
    """The rows of an export under `EXPORT_HEADS`, with the MAC that proves each."""
    found = events(by, wanted)[:MOST_EXPORTED]
    for event in found.iterator(2000):
        yield (
            event.pk,
            event.at,
            event.node,
            event.actor_id,
            event.actor_name,
            event.channel,
            event.station,
            event.address,
            event.verb,
            word(event.verb),
            event.outcome,
            event.subject_type,
            event.subject_id,
            event.patient_id,
            canonical(event.details).decode() if event.details else "",
            event.nonce or "",
            event.mac,
        )


@dataclass(frozen=True)
class ChainState:
    """The banner over the audit page. `tone` is ok, amber or red."""

    tone: str
    title: str
    text: str
    findings: tuple[str, ...] = ()


SEAL_LATE = timedelta(minutes=5)
VERIFY_LATE = timedelta(days=2)


def chain_state() -> ChainState:
    """How far the trail can be trusted now: the last check, and whether sealing goes on."""
    last = Verification.objects.order_by("-pk").first()
    if last and last.findings:
        return ChainState(
            "red",
            _("The chain is broken"),
            _(
                "The check of %(at)s found %(count)s places. Call the system administrator; copy the anchors."
            )
            % {"at": _local(last.at), "count": len(last.findings)},
            tuple(f"{one['chain']}: {one['where']}: {one['what']}" for one in last.findings[:20]),
        )
    seal = AuditSeal.objects.order_by("-number").first()
    sealed_id = seal.last_id if seal else 0
    waits = AuditEvent.objects.filter(pk__gt=sealed_id).order_by("pk").first()
    if waits and timezone.now() - waits.at > SEAL_LATE:
        return ChainState(
            "amber",
            _("Rows are not being sealed"),
            _(
                "Nothing was sealed since %(at)s. Ask the system administrator whether the clock runs."
            )
            % {"at": _local(waits.at)},
        )
    if last is None or timezone.now() - last.at > VERIFY_LATE:
        return ChainState(
            "amber", _("The chain was not checked lately"), _("Check it now with the button.")
        )
    return ChainState(
        "ok",
        _("The chain is whole"),
        _("%(rows)s rows checked at %(at)s, %(seals)s seals.")
        % {"rows": last.rows, "at": _local(last.at), "seals": seal.number if seal else 0},
    )


def _local(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")
