"""Giving examination numbers and identifiers: unique, never reused, gaps allowed (clause 2.1, design §2.9)."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Refused
from hevesy.records.catalogue.models import ModalityClass
from hevesy.records.catalogue.numbering import MAX_LENGTH, period, render
from hevesy.records.exams.models import Exam, NumberSequence

# Crockford's base 32: no I, L, O, U, so that a code read aloud or retyped stays itself.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class NumberRefused(Refused):
    """No number could be given; the message says what to change."""


def take_number(modality_class: ModalityClass, at: datetime) -> str:
    """The next number of the class. The period's row stays locked until the transaction ends.

    Must run inside the booking's transaction. A rolled-back booking leaves no gap; a cancelled one keeps its number.
    """
    day = timezone.localdate(at)
    # As it is now: the caller's object may be older than a change of the numbering.
    modality_class = ModalityClass.objects.get(pk=modality_class.pk)
    sequence, _made = NumberSequence.objects.get_or_create(
        modality_class=modality_class, period=period(modality_class.number_reset, day)
    )
    sequence = NumberSequence.objects.select_for_update().get(pk=sequence.pk)
    while True:
        sequence.last += 1
        number = render(modality_class.number_template, day, sequence.last)
        if len(number) > MAX_LENGTH:
            raise NumberRefused(
                _(
                    "The numbers of %(name)s are used up: %(number)s is too long. Change the template."
                )
                % {"name": modality_class.name, "number": number}
            )
        # Numbers given under an earlier template, or handed in by the hospital, are skipped.
        if not Exam.objects.filter(number=number).exists():
            break
    sequence.save(update_fields=["last"])
    return number


def new_code() -> str:
    """What a QR code carries: 80 random bits in 16 characters; says nothing about the person."""
    bits = secrets.randbits(80)
    return "".join(_ALPHABET[(bits >> shift) & 31] for shift in range(75, -1, -5))


def new_study_uid() -> str:
    """A Study Instance UID from a random UUID (PS3.5 B.2: root 2.25)."""
    return f"2.25.{uuid.uuid4().int}"
