"""The delivered dosing limits and quality tests, as policies that a site may change."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib.resources import files

from django.utils import timezone

from hevesy.records.catalogue.models import Policy

_LIMITS = [
    ("doses.warn_percent", 10, "给药活度偏差：需说明原因 (%)", "Dose deviation that needs a reason (%)"),
    ("doses.second_percent", 20, "给药活度偏差：需第二人 (%)", "Dose deviation that needs a second person (%)"),
    ("doses.balance_percent", 3, "批次物料平衡允差 (%)", "Tolerance of the balance of a batch (%)"),
]  # fmt: skip


def seed() -> Iterable[str]:
    """Make the policies that are missing; those a site has changed stay."""
    made = 0
    for key, value, label_zh, label_en in _LIMITS:
        made += _policy(key, value, label_zh, label_en, "common practice, to be reviewed")
    text = files("hevesy.records.doses").joinpath("seeds/qc.toml").read_text(encoding="utf-8")
    for row in tomllib.loads(text)["policy"]:
        sources = "; ".join(dict.fromkeys(test["source"] for test in row["tests"]))
        made += _policy(row["key"], row["tests"], row["label_zh"], row["label_en"], sources[:200])
    return [f"doses: {made} policies"] if made else []


def _policy(key: str, value: object, label_zh: str, label_en: str, source: str) -> int:
    _row, new = Policy.objects.get_or_create(
        key=key,
        defaults={
            "value": value,
            "label_zh": label_zh,
            "label_en": label_en,
            "source": source,
            "effective_from": timezone.localdate(),
        },
    )
    return int(new)
