"""What a call shows and says: masked names, digits one by one, surnames that voices misread (clauses 3.3, 3.4)."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from hevesy.records.patients.masking import mask_name
from hevesy.records.patients.models import Patient
from hevesy.records.patients.pinyin import has_han, surname_length

SURNAME_READINGS: Final = {
    "单": "善", "仇": "求", "曾": "增", "查": "渣", "解": "谢", "任": "人", "区": "欧", "朴": "瓢", "盖": "葛",
    "华": "化", "秘": "必", "乐": "月", "员": "运", "燕": "烟", "缪": "妙", "黑": "贺", "折": "舌", "尉迟": "玉迟",
    "万俟": "莫奇", "单于": "禅鱼", "澹台": "谈台",
}  # fmt: skip
"""A surname with a reading of its own, and characters that every Chinese voice reads that way."""

_SPOKEN_DIGITS: Final = dict(zip("0123456789", "零幺二三四五六七八九", strict=True))
_ROOM_DIGITS: Final = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
CHILD_BELOW_YEARS: Final = 14


def _age(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def address_form(patient: Patient, *, on: date) -> str:
    """How a voice addresses the patient without saying the whole name: 陈先生, 李女士, 单小朋友."""
    name = patient.name_zh
    family = name[: surname_length(name)] if has_han(name) else ""
    family = SURNAME_READINGS.get(family, family)
    if patient.birth_date and _age(patient.birth_date, on) < CHILD_BELOW_YEARS:
        return family + "小朋友"
    return family + {"M": "先生", "F": "女士"}.get(patient.sex, "")


def spoken_number(number: str) -> str:
    """A ticket number one sign at a time, so that no voice reads A012 as twelve: `A 零 幺 二`."""
    return " ".join(_SPOKEN_DIGITS.get(sign, sign) for sign in number)


def call_text(*, number: str, name: str, room: str, purpose: str) -> str:
    """What the screen and the timeline show: 请 A003 陈*国 到 注射室1 注射."""
    return _("%(number)s %(name)s, please come to %(room)s: %(purpose)s") % {
        "number": number,
        "name": mask_name(name),
        "room": room,
        "purpose": purpose,
    }


def spoken_text(*, number: str, patient: Patient, room: str, purpose: str, on: date) -> str:
    """What the voice says: `请 A 零 零 三 号，陈先生，到 注射室一，注射。`"""
    if (get_language() or "").startswith("en"):
        return f"{' '.join(number)}, please come to {room}."
    who = address_form(patient, on=on)
    where = "".join(_ROOM_DIGITS.get(sign, sign) for sign in room)
    return "，".join(
        part for part in (f"请 {spoken_number(number)} 号", who, f"到 {where}", purpose) if part
    ) + "。"  # fmt: skip
