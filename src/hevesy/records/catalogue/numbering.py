"""The template language of examination numbers (clause 2.1): `PT{yy}-{seq:05}` → PT26-01873.

A number is the Accession Number (0008,0050), a DICOM SH: at most 16 characters. Pure functions; the counting is in
`exams.numbering`.
"""

from __future__ import annotations

import re
from datetime import date

from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Refused

MAX_LENGTH = 16
_FIELD = re.compile(r"\{([^{}]*)\}")
_LITERAL = re.compile(r"[A-Za-z0-9._\-]*")
_SEQUENCE = re.compile(r"seq(?::0([1-9]))?")
_NEEDED = {
    "yearly": ("y",),
    "monthly": ("y", "mm"),
    "daily": ("y", "mm", "dd"),
    "never": (),
}


class TemplateRefused(Refused):
    """The template cannot make unique numbers of at most 16 characters; the message says why."""


def check_template(template: str, reset: str) -> None:
    """Raise `TemplateRefused` unless the template gives legal numbers that cannot repeat when counting starts anew."""
    fields = _FIELD.findall(template)
    literals = _FIELD.sub("", template)
    if not _LITERAL.fullmatch(literals):
        raise TemplateRefused(
            _("Only letters, digits, point, hyphen and underscore may stand between the fields.")
        )
    sequences = [field for field in fields if _SEQUENCE.fullmatch(field)]
    dates = {field for field in fields if field in ("yy", "yyyy", "mm", "dd")}
    for field in fields:
        if field not in sequences and field not in dates:
            raise TemplateRefused(
                _(
                    "{%(field)s} is no field. Known fields: {yyyy} {yy} {mm} {dd} {seq:05}, "
                    "where 05 is the number of digits."
                )
                % {"field": field}
            )
    if len(sequences) != 1:
        raise TemplateRefused(_("The running number {seq:05} must occur exactly once."))
    present = {"y" if field.startswith("y") else field for field in dates}
    missing = [field for field in _NEEDED[reset] if field not in present]
    if missing:
        words = {"y": "{yy}", "mm": "{mm}", "dd": "{dd}"}
        raise TemplateRefused(
            _("Counting starts anew, so numbers would repeat without %(fields)s.")
            % {"fields": " ".join(words[field] for field in missing)}
        )
    longest = render(template, date(2026, 12, 31), 10 ** _digits(sequences[0]) - 1)
    if len(longest) > MAX_LENGTH:
        raise TemplateRefused(
            _("%(number)s has %(length)d characters; DICOM allows 16. Please shorten the template.")
            % {"number": longest, "length": len(longest)}
        )


def _digits(sequence: str) -> int:
    found = _SEQUENCE.fullmatch(sequence)
    # Without a width leave room for six digits.
    return int(found[1]) if found and found[1] else 6


def render(template: str, day: date, sequence: int) -> str:
    """The number for the `sequence`-th examination of its period, taken on the local date `day`."""
    values = {
        "yyyy": f"{day.year:04}",
        "yy": f"{day.year % 100:02}",
        "mm": f"{day.month:02}",
        "dd": f"{day.day:02}",
    }

    def fill(match: re.Match[str]) -> str:
        field = match[1]
        found = _SEQUENCE.fullmatch(field)
        if found:
            return f"{sequence:0{found[1] or 1}}"
        return values[field]

    return _FIELD.sub(fill, template)


def period(reset: str, day: date) -> str:
    """The period in which a running number counts: a year, a month, a day or for ever."""
    return {
        "yearly": f"{day.year:04}",
        "monthly": f"{day.year:04}{day.month:02}",
        "daily": f"{day.year:04}{day.month:02}{day.day:02}",
        "never": "",
    }[reset]


def shape(template: str) -> str:
    """What two templates share when they can give the same number: the text with every digit place as #."""
    sample = render(template, date(2026, 12, 31), 0)
    return re.sub(r"\d", "#", sample)
