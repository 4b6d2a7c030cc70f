"""Attribute matching of C-FIND (PS3.4 C.2.2.2): single value, wildcard, range, list of UIDs, sequence, universal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from hevesy.records.archive.characters import decode

_LONGEST_KEY: Final = 1024
_RANGES: Final = frozenset(("DA", "TM", "DT"))
_WILDCARDS: Final = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"))
SPECIFIC_CHARACTER_SET: Final = 0x00080005
TIMEZONE_OFFSET: Final = 0x00080201


def key_text(dataset: Dataset, tag: int, terms: list[str]) -> str:
    """The value of a key as text; Chinese is read also where the device labels it wrongly."""
    raw = dataset.get_item(tag)
    if raw is None:
        return ""
    value = raw.value
    if isinstance(value, bytes):
        return decode(value, terms)[0].strip(" \0")
    if isinstance(value, MultiValue):
        return "\\".join(str(one) for one in value)
    return "" if value is None else str(value).strip(" \0")


def terms_of(identifier: Dataset) -> list[str]:
    """The Specific Character Set of a query, as a list of terms."""
    return key_text(identifier, SPECIFIC_CHARACTER_SET, []).split("\\")


def matches(identifier: Dataset, answer: Dataset, terms: list[str]) -> bool:
    """Whether `answer` satisfies every key of `identifier` that it supports; keys it lacks are no condition."""
    for tag in sorted(identifier.keys()):
        if tag in (SPECIFIC_CHARACTER_SET, TIMEZONE_OFFSET) or tag.element == 0:
            continue
        if tag not in answer:
            continue
        element = answer[tag]
        if element.VR == "SQ":
            items = identifier[tag].value or []
            if items and not any(matches(items[0], one, terms) for one in element.value):
                return False
            continue
        key = key_text(identifier, tag, terms)
        if key and not value_matches(element.VR, key, _values(element.value)):
            return False
    return True


def unsupported_keys(identifier: Dataset, answer: Dataset, terms: list[str]) -> bool:
    """Whether the query restricts by an attribute that we do not have."""
    for tag in sorted(identifier.keys()):
        if tag in (SPECIFIC_CHARACTER_SET, TIMEZONE_OFFSET) or tag.element == 0:
            continue
        if tag not in answer:
            if identifier[tag].VR == "SQ" or key_text(identifier, tag, terms):
                return True
        elif (
            answer[tag].VR == "SQ"
            and identifier[tag].value
            and answer[tag].value
            and unsupported_keys(identifier[tag].value[0], answer[tag].value[0], terms)
        ):
            return True
    return False


def _values(value: object) -> list[str]:
    if value is None:
        return []
    if isinstance(value, (MultiValue, list)):
        return [str(one) for one in value]
    return [str(value)]


def value_matches(representation: str, key: str, values: Iterable[str]) -> bool:
    """Whether one of the `values` of an attribute with this representation matches `key`."""
    if len(key) > _LONGEST_KEY:
        return False
    if representation == "UI":
        wanted = set(key.split("\\"))
        return any(value in wanted for value in values)
    if representation in _RANGES:
        return any(in_range(representation, key, value) for value in values)
    if representation == "PN":
        return any(name_matches(key, value) for value in values)
    if representation in _WILDCARDS:
        return any(glob(key, value) for value in values)
    return any(key == value for value in values)


def in_range(representation: str, key: str, value: str) -> bool:
    """`20261101-20261130`, `-20261130`, `20261101-`, or one value; a short time means all of its hour or minute."""
    if not value:
        return False
    if "-" not in key:
        return value.startswith(key) if representation == "TM" else value == key
    first, _dash, last = key.partition("-")
    width = 8 if representation == "DA" else 14 if representation == "DT" else 6
    low = first.split(".")[0].ljust(width, "0")
    high = (last.split(".")[0] or "9" * width).ljust(width, "9")
    return low <= value.split(".")[0].ljust(width, "0") <= high


def name_matches(key: str, value: str) -> bool:
    """A person name by any of its groups, without regard to case; empty trailing components do not count.

    A device asks for `Li*`, for `李*`, or for both groups; each group asked for must match its own, a single one any.
    """
    wanted = [_name_group(group) for group in key.split("=")]
    groups = [_name_group(group) for group in value.split("=")]
    if len(wanted) == 1:
        return any(glob(wanted[0], group) for group in groups if group) or glob(
            wanted[0], _name_group(value)
        )
    return all(
        not want or (place < len(groups) and glob(want, groups[place]))
        for place, want in enumerate(wanted)
    )


def _name_group(group: str) -> str:
    return group.strip().rstrip("^").casefold()


def glob(pattern: str, text: str) -> bool:
    """`*` and `?` of DICOM, in linear time: a pattern from the network is never compiled into anything."""
    at, place, star, resume = 0, 0, -1, 0
    while place < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, resume = at, place
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[place]):
            at += 1
            place += 1
        elif star >= 0:
            at, resume = star + 1, resume + 1
            place = resume
        else:
            return False
    return pattern[at:].strip("*") == ""
