"""What others may see of a person: masked names, numbers and phones (GUIDE §4, wall screens and lists)."""

from __future__ import annotations

from hevesy.records.patients.pinyin import COMPOUND_SURNAMES, has_han


def mask_name(name: str) -> str:
    """A name with its middle hidden: 陈建国 → 陈*国, 陈国 → 陈*, 欧阳雪 → 欧阳*, 买买提·吐尔逊 → 买*·*逊."""
    name = name.strip()
    if not has_han(name):
        return " ".join(f"{word[:1]}***" for word in name.split())
    if "·" in name:
        first, last = name.split("·", 1)
        return f"{first[:1]}*·*{last[-1:]}"
    surname = name[:2] if len(name) > 2 and name[:2] in COMPOUND_SURNAMES else name[:1]
    given = name[len(surname) :]
    if len(given) < 2:
        return f"{surname}*"
    return f"{surname}*{given[-1]}"


def mask_id_card(number: str) -> str:
    """An ID number with the birth date hidden: 3601**********2417. Short numbers keep their last two characters."""
    if len(number) < 10:
        return "*" * max(len(number) - 2, 0) + number[-2:]
    return number[:4] + "*" * (len(number) - 8) + number[-4:]


def mask_phone(phone: str) -> str:
    """A phone number with its middle hidden: 138****6621."""
    if len(phone) < 7:
        return "*" * len(phone)
    return phone[:3] + "*" * (len(phone) - 7) + phone[-4:]
