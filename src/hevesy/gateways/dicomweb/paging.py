"""Pages of QIDO-RS answers (PS3.18 §8.3.4.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hevesy.gateways.dicomweb.door import RequestRefused

LARGEST_PAGE = 1000


def page(asked: Mapping[str, str]) -> tuple[int, int, bool]:
    """Offset, limit, and whether the limit was cut down to ours."""

    def count(name: str, default: int) -> int:
        text = asked.get(name, "")
        if text and not re.fullmatch(r"[0-9]{1,12}", text):
            raise RequestRefused(f"{name} must be a number")
        return int(text) if text else default

    limit = count("limit", LARGEST_PAGE)
    return count("offset", 0), min(limit, LARGEST_PAGE), limit > LARGEST_PAGE
