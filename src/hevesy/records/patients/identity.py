"""Resident identity card numbers (GB 11643-1999): checked before they are kept, read for birth date and sex."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Refused

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"
PROVINCES = frozenset(
    {*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55)}
    | {*range(61, 66), 71, *range(81, 84)}
)
DEMO_REGION = "990000"
"""No such region exists: numbers of invented people begin with it."""

_DIGITS = str.maketrans("０１２３４５６７８９ＸｘX", "0123456789XXX")


DATES = ("%Y-%m-%d", "%Y%m%d", "%Y.%m.%d", "%Y/%m/%d", "%Y年%m月%d日")


def read_date(text: str) -> date | None:
    """A date as people type it: 1964-03-08, 19640308, 1964.3.8, 1964年3月8日, also in full-width digits; else None."""
    plain = unicodedata.normalize("NFKC", text).replace("。", ".").strip()
    for form in DATES:
        try:
            return datetime.strptime(plain, form).date()  # noqa: DTZ007 - a day, no instant
        except ValueError:
            continue
    return None


class IdCardRefused(Refused):
    """The text is no valid identity card number; the message says which part is wrong."""


@dataclass(frozen=True, slots=True)
class IdCard:
    """What a valid number says. `converted` is true when 15 digits of the old kind were typed."""

    number: str
    region: str
    birth_date: date
    sex: str
    converted: bool = False


def check_character(first_17: str) -> str:
    """The 18th character for 17 digits (ISO 7064, MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, first_17, strict=True))
    return CHECK_CHARACTERS[total % 11]


def read_id_card(text: str, *, today: date) -> IdCard:
    """Read a typed or scanned number; raise `IdCardRefused` with a sentence that names the fault.

    Accepts lower-case x, full-width digits, blanks, the 15-digit kind issued until 1999 (born 19xx, no check
    character), permanent residence permits of foreigners (region 9…), and the region 990000 of invented people.
    """
    number = re.sub(r"[\s\-]", "", text).upper().translate(_DIGITS)
    converted = False
    if re.fullmatch(r"\d{15}", number):
        first = f"{number[:6]}19{number[6:]}"
        number, converted = first + check_character(first), True
    if not re.fullmatch(r"\d{17}[\dX]", number):
        raise IdCardRefused(
            _("An ID card number has 18 characters; %(count)d were read. Please check it.")
            % {"count": len(number)}
        )
    if int(number[:2]) not in PROVINCES and not number.startswith("9"):
        raise IdCardRefused(
            _("No region begins with %(region)s. Please check the first digits of the ID card.")
            % {"region": number[:2]}
        )
    born = number[6:14]
    try:
        birth_date = date(int(born[:4]), int(born[4:6]), int(born[6:8]))
    except ValueError:
        raise IdCardRefused(
            _("%(born)s in the ID card number is not a date. Please check digits 7 to 14.")
            % {"born": born}
        ) from None
    if birth_date > today:
        raise IdCardRefused(
            _("The birth date %(born)s in the ID card number lies in the future.") % {"born": born}
        )
    if birth_date.year < 1880:
        raise IdCardRefused(
            _("The birth year in the ID card number is %(year)d. Please check digits 7 to 10.")
            % {"year": birth_date.year}
        )
    if check_character(number[:17]) != number[17]:
        raise IdCardRefused(
            _("The check character of the ID card number does not fit: one digit is mistyped.")
        )
    sex = "M" if int(number[16]) % 2 else "F"
    return IdCard(number, number[:6], birth_date, sex, converted)
