"""Taking an object in, whole or not at all (design §2.4, reliability §3.4).

Temp file → bounded look at the header → fsync → rename → fsync of the folder → one transaction → only then success.
The order "file before row" makes a whole file without a row the only thing a crash can leave; `fsck` finds it.
"""

from __future__ import annotations

import logging
import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from django.db import IntegrityError, transaction
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.foundation.files.store import store
from hevesy.records.archive.headers import Header, read_header
from hevesy.records.archive.models import Instance, Refusal, Series, Study
from hevesy.records.archive.part10 import locate_data_set
from hevesy.records.archive.refusals import ObjectRefused, StorageExhausted
from hevesy.records.archive.scan import Unreadable
from hevesy.records.archive.settling import NEVER, mark_received
from hevesy.records.archive.spool import Spool, failure_of

logger = logging.getLogger(__name__)

Outcome = Literal["stored", "duplicate", "conflict", "refused"]
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """How it went: `stored`; `duplicate` (the same bytes were there); `conflict` (same UID, other bytes: kept aside,
    the first copy unchanged); `refused` with a reason key of `refusals.REASONS`."""

    outcome: Outcome
    instance: Instance | None = None
    reason: str = ""


def receive(source: bytes | Path | BinaryIO, *, by: Actor, received_from: str = "") -> Received:
    """Take in one DICOM file (PS3.10; preamble and file meta information may be missing).

    Raises `StorageExhausted` when the disk is full and `PermissionRefused` without `archive.store`; everything else
    that is wrong with the object is an outcome.
    """
    by.require("archive.store")
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _receive_file(file, by=by, received_from=received_from)
    if isinstance(source, bytes):
        return _receive_bytes(source, by=by, received_from=received_from)
    try:
        source.fileno()
    except OSError:
        return _receive_bytes(source.read(), by=by, received_from=received_from)
    return _receive_file(source, by=by, received_from=received_from)


def _receive_file(file: BinaryIO, *, by: Actor, received_from: str) -> Received:
    if file.seek(0, 2) == 0:
        return _refuse("not_dicom", None, by=by, received_from=received_from)
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _receive_bytes(data, by=by, received_from=received_from)


def _receive_bytes(data: bytes | mmap.mmap, *, by: Actor, received_from: str) -> Received:
    spool = Spool()
    try:
        place = locate_data_set(data)
        header = read_header(data, place.transfer_syntax_uid, place.offset)
    except Unreadable as unreadable:
        # Kept aside as it came: nobody knows yet where its data set begins.
        _copy(data, 0, spool)
        return _refuse(unreadable.reason, spool, by=by, received_from=received_from)
    except Exception:
        logger.exception("a file could not be read")
        _copy(data, 0, spool)
        return _refuse("unreadable", spool, by=by, received_from=received_from)
    spool.begin(header.sop_class_uid, header.sop_instance_uid, place.transfer_syntax_uid)
    _copy(data, place.offset, spool)
    return _keep(header, spool, by=by, received_from=received_from)


def _copy(data: bytes | mmap.mmap, offset: int, spool: Spool) -> None:
    for start in range(offset, len(data), _CHUNK):
        spool.write(data[start : start + _CHUNK])


def receive_spooled(
    spool: Spool, *, sop_class_uid: str, sop_instance_uid: str, by: Actor, received_from: str = ""
) -> Received:
    """Take in a data set that a network service wrote into `spool`, announced under the two UIDs.

    The spool is consumed in every case. Raises like `receive`.
    """
    try:
        by.require("archive.store")
        if spool.failure:
            raise _exhausted(spool.failure)
        header = _header_of(spool)
        if header.sop_instance_uid != sop_instance_uid:
            raise Unreadable("other_sop_instance")
        if header.sop_class_uid != sop_class_uid:
            raise Unreadable("other_sop_class")
    except Unreadable as unreadable:
        return _refuse(
            unreadable.reason,
            spool,
            by=by,
            received_from=received_from,
            sop_instance_uid=sop_instance_uid,
        )
    except ObjectRefused:
        spool.discard()
        raise
    return _keep(header, spool, by=by, received_from=received_from)


def _header_of(spool: Spool) -> Header:
    if not spool.size or spool.path is None:
        raise Unreadable("not_dicom")
    try:
        with (
            spool.path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            return read_header(data, spool.transfer_syntax_uid, spool.data_set_offset)
    except Unreadable:
        raise
    except Exception:
        logger.exception("a received data set could not be read")
        raise Unreadable("unreadable") from None


def _exhausted(failure: str) -> ObjectRefused:
    return ObjectRefused(failure) if failure == "too_large" else StorageExhausted(failure)


def _keep(header: Header, spool: Spool, *, by: Actor, received_from: str) -> Received:
    """File first, then the rows; an object that is there already costs no write at all."""
    if spool.failure:
        raise _exhausted(spool.failure)
    there = _stored(header.sop_instance_uid)
    if there is not None and there.sha256 == spool.sha256:
        return _duplicate(there, spool)
    path = _finish(spool)
    if there is not None:
        return _conflict(
            there, spool, path, "same_uid_other_content", by=by, received_from=received_from
        )
    try:
        with transaction.atomic():
            study = _study(header, by=by, received_from=received_from)
            series = _series(header, study)
            if series.study_id != study.pk:
                raise _SeriesElsewhere
            instance = Instance.objects.create(
                series=series,
                sop_instance_uid=header.sop_instance_uid,
                sop_class_uid=header.sop_class_uid,
                transfer_syntax_uid=spool.transfer_syntax_uid,
                number=header.number("instance_number"),
                rows=header.rows,
                columns=header.columns,
                frames=header.frames,
                hindrance=header.hindrance,
                path=path,
                sha256=spool.sha256,
                size=spool.data_set_offset + spool.size,
                data_set_offset=spool.data_set_offset,
                received_from=received_from[:16],
            )
    except _SeriesElsewhere:
        return _conflict(
            None,
            spool,
            path,
            "series_in_other_study",
            by=by,
            received_from=received_from,
            sop_instance_uid=header.sop_instance_uid,
        )
    except IntegrityError:
        # Another association stored this UID a moment ago.
        there = _stored(header.sop_instance_uid)
        if there is None:
            raise
        if there.sha256 == spool.sha256:
            return Received("duplicate", there)
        return _conflict(
            there, spool, path, "same_uid_other_content", by=by, received_from=received_from
        )
    return Received("stored", instance)


def _duplicate(there: Instance, spool: Spool) -> Received:
    """The same bytes again: nothing is written, unless the stored file was lost; then this heals it."""
    if is_whole(there):
        spool.discard()
    else:
        path = _finish(spool)
        Instance.objects.filter(pk=there.pk).update(path=path, form="", packed_size=None)
        logger.warning("object %s was missing on disk and came back", there.sop_instance_uid)
    return Received("duplicate", there)


def is_whole(instance: Instance) -> bool:
    """Whether the file of an instance is there in its full length (`fsck --full` also compares its hash)."""
    try:
        return store().size(instance.path) == (instance.packed_size or instance.size)
    except OSError:
        return False


class _SeriesElsewhere(Exception):
    """The series of the object is filed under another study."""


def _stored(sop_instance_uid: str) -> Instance | None:
    return Instance.objects.filter(sop_instance_uid=sop_instance_uid).first()


def _finish(spool: Spool) -> str:
    try:
        return spool.finish()
    except OSError as error:
        logger.error("an object could not be stored: %s", error)
        raise StorageExhausted(failure_of(error)) from error


def _study(header: Header, *, by: Actor, received_from: str) -> Study:
    """The study row of the object, made or touched; a study that had settled is opened again."""
    now = timezone.now()
    known = Study.objects.filter(study_instance_uid=header.study_instance_uid)
    study = known.first()
    if study is None:
        Study.objects.bulk_create([_new_study(header, received_from)], ignore_conflicts=True)
        study = known.get()
    if study.patient_id != header.text("patient_id", 64):
        _note(study, "patient_id_differs_within_study")
    if mark_received(study, now):
        record(
            by,
            "archive.receive",
            study,
            study_instance_uid=study.study_instance_uid,
            received_from=received_from,
        )
    return study


def _new_study(header: Header, received_from: str) -> Study:
    return Study(
        study_instance_uid=header.study_instance_uid,
        patient_id=header.text("patient_id", 64),
        patient_name=header.text("patient_name", 200),
        patient_sex=header.text("patient_sex", 16),
        patient_birth_date=header.text("patient_birth_date", 10),
        accession_number=header.text("accession_number", 16),
        study_date=header.text("study_date", 8),
        study_time=header.text("study_time", 14),
        study_id=header.text("study_id", 16),
        description=header.text("study_description", 64),
        referring_physician=header.text("referring_physician", 200),
        received_from=received_from[:16],
        last_received_at=NEVER,
    )


def _note(study: Study, code: str) -> None:
    if code not in study.mismatch:
        locked = Study.objects.select_for_update().get(pk=study.pk)
        if code not in locked.mismatch:
            locked.mismatch = [*locked.mismatch, code]
            locked.save(update_fields=["mismatch"])


def _series(header: Header, study: Study) -> Series:
    series = Series.objects.filter(series_instance_uid=header.series_instance_uid).first()
    if series is not None:
        return series
    Series.objects.bulk_create(
        [
            Series(
                study=study,
                series_instance_uid=header.series_instance_uid,
                modality=header.text("modality", 16),
                number=header.number("series_number"),
                description=header.text("series_description", 64),
                frame_of_reference_uid=header.text("frame_of_reference_uid", 64),
                header=header.facts,
            )
        ],
        ignore_conflicts=True,
    )
    return Series.objects.get(series_instance_uid=header.series_instance_uid)


def _conflict(
    there: Instance | None,
    spool: Spool,
    path: str,
    reason: str,
    *,
    by: Actor,
    received_from: str,
    sop_instance_uid: str = "",
) -> Received:
    uid = there.sop_instance_uid if there else sop_instance_uid
    with transaction.atomic():
        _refusal("conflict", reason, uid, there, path, spool.sha256, received_from)
        record(
            by,
            "archive.conflict",
            there,
            outcome="kept",
            sop_instance_uid=uid,
            reason=reason,
            received_from=received_from,
        )
    return Received("conflict", there, reason)


def _refuse(
    reason: str, spool: Spool | None, *, by: Actor, received_from: str, sop_instance_uid: str = ""
) -> Received:
    """Keep the bytes aside if there are any worth it, and a row that says why."""
    path = ""
    if spool is not None and not spool.failure and spool.size:
        path = _finish(spool)
    elif spool is not None:
        spool.discard()
    uid = "".join(character for character in sop_instance_uid if character.isprintable())[:64]
    with transaction.atomic():
        _refusal("refused", reason, uid, None, path, spool.sha256 if spool else "", received_from)
        record(
            by,
            "archive.refuse",
            outcome="refused",
            sop_instance_uid=uid,
            reason=reason,
            received_from=received_from,
        )
    logger.warning("refused an object from %s: %s", received_from or by, reason)
    return Received("refused", None, reason)


def _refusal(
    kind: str,
    reason: str,
    uid: str,
    instance: Instance | None,
    path: str,
    sha256: str,
    received_from: str,
) -> None:
    """A row for the list; the same refused bytes sent ten times make one row."""
    same = Refusal.objects.filter(
        kind=kind, reason=reason, sop_instance_uid=uid, sha256=sha256, settled_at=None
    )
    if same.exists():
        return
    Refusal.objects.create(
        kind=kind,
        reason=reason,
        sop_instance_uid=uid,
        instance=instance,
        path=path,
        sha256=sha256,
        received_from=received_from[:16],
    )
