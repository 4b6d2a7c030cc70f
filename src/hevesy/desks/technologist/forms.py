"""What is typed beside an injection: times of day, readings, reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.records.doses.actions import DoseRefused
from hevesy.records.doses.actions.administering import Measured
from hevesy.records.equipment.models import Device

_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９：．。", "0123456789:..")


class Faults(dict[str, str]):
    """What is wrong, by field; empty for the rest, also where a template takes it as a filter's argument."""

    def __missing__(self, key: str) -> str:
        return ""


def faults(refusal: DoseRefused | None) -> Faults:
    """The refusal under the field that it names."""
    return Faults({refusal.field: str(refusal)} if refusal and refusal.field else {})


def plain(text: str) -> str:
    """Without blanks and without the full-width signs that Chinese input leaves."""
    return text.translate(_FULL_WIDTH).strip().replace("\u2009", "").replace(" ", "")


def moment(text: str, field: str) -> datetime | None:
    """A time of day as the moment it was last: before midnight stays yesterday. None when empty."""
    text = plain(text)
    if not text:
        return None
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        clock = time(int(found[1]), int(found[2]), int(found[3] or 0))
    except ValueError:
        raise DoseRefused(_("Enter the time as 10:45 or 10:45:10."), field=field) from None
    now = timezone.localtime()
    at = timezone.make_aware(datetime.combine(now.date(), clock), now.tzinfo)
    return at - timedelta(days=1) if at - now > timedelta(hours=12) else at


def number(text: str, field: str) -> Decimal | None:
    """A decimal number, None when empty."""
    text = plain(text)
    if not text:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        raise DoseRefused(_("Enter a number."), field=field) from None


def reading(data: Mapping[str, Any], prefix: str) -> Measured | None:
    """A calibrator reading of the form, if one was entered; a reading needs its time."""
    activity = number(data.get(f"{prefix}_mbq", ""), f"{prefix}_mbq")
    if activity is None:
        return None
    at = moment(data.get(f"{prefix}_time", ""), f"{prefix}_time")
    if at is None:
        raise DoseRefused(_("A reading needs its time."), field=f"{prefix}_time")
    device = Device.objects.filter(
        code=data.get(f"{prefix}_device", ""), kind=Device.Kind.DOSE_CALIBRATOR
    ).first()
    return Measured(activity, at, device)


def skew_s(data: Mapping[str, Any]) -> float | None:
    """How far this computer's clock is from the server's, in seconds; None if the page did not say."""
    text = data.get("client_now", "")
    try:
        return float(text) / 1000 - timezone.now().timestamp() if text else None
    except ValueError:
        return None


def reasons(data: Mapping[str, Any]) -> list[dict[str, str]]:
    """The answers to warnings: fields `reason_<check>`."""
    return [
        {"check": key.removeprefix("reason_"), "reason": str(value).strip()}
        for key, value in data.items()
        if key.startswith("reason_") and str(value).strip()
    ]
