"""The codes on labels and slips: `NM1|<kind>|<code>|<check>`, signed, so that nobody else's paper is taken for ours."""

from __future__ import annotations

import base64
import hmac
import re
import unicodedata
from dataclasses import dataclass

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hevesy.foundation.accounts.actors import Refused

PREFIX = "NM1"
KINDS = {
    "E": gettext_lazy("examination"),
    "U": gettext_lazy("dispensed dose"),
    "B": gettext_lazy("batch"),
    "P": gettext_lazy("person"),
    "D": gettext_lazy("document"),
}
"""What a code may stand for."""

CHECK_LENGTH = 8
"""Base32 characters of the check: 40 bits, beyond guessing at a scanner's speed."""
_CODE = re.compile(r"[A-Z0-9][A-Z0-9._:-]{0,47}")


class CodeRefused(Refused):
    """What was scanned is not one of our codes, or was damaged or made by somebody else."""

    status = 400


@dataclass(frozen=True, slots=True)
class ScannedCode:
    """A code that was read and found genuine: one letter of `KINDS`, and the code of the thing."""

    kind: str
    code: str


def make(kind: str, code: str) -> str:
    """The text of a label. `code`: 1-48 of capitals, digits, dot, colon, hyphen, underscore."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of code {kind!r}")
    if not _CODE.fullmatch(code):
        raise ValueError(f"{code!r} cannot stand on a label")
    return f"{PREFIX}|{kind}|{code}|{_check(kind, code, settings.SECRET_KEY)}"


def read(text: str) -> ScannedCode:
    """What a scanned text stands for.

    Tolerates what scanners and input methods do to it: blanks and line ends around it, full-width forms, and
    capitals turned small by a Caps Lock. Raises `CodeRefused` for everything that `make` did not write.
    """
    folded = unicodedata.normalize("NFKC", text[:200]).strip().upper()
    parts = folded.split("|")
    if parts[0] != PREFIX:
        raise CodeRefused(_("This is not a code of this system. Scan the label or slip again."))
    if len(parts) != 4 or parts[1] not in KINDS or not _CODE.fullmatch(parts[2]):
        raise CodeRefused(_("The code is damaged. Scan it again, or print a new label."))
    _prefix, kind, code, check = parts
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if not any(
        hmac.compare_digest(_check(kind, code, key).encode(), check.encode()) for key in keys
    ):
        raise CodeRefused(
            _("This code was not made by this system. Do not use the label; ask for a new one.")
        )
    return ScannedCode(kind, code)


def _check(kind: str, code: str, key: str | bytes) -> str:
    digest = salted_hmac(
        "hevesy.stations.qr", f"{PREFIX}|{kind}|{code}", secret=key, algorithm="sha256"
    )
    return base64.b32encode(digest.digest()).decode()[:CHECK_LENGTH]
