"""The demo's people: staff with the accounts of the public contract, and patients who do not exist.

Identity numbers use the region code 990000, which is not assigned, and telephones begin with 990.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass
from importlib.resources import files

PASSWORD = "hevesy-demo"
REGION = "990000"

STAFF: tuple[tuple[str, str, str, str], ...] = (
    ("registrar", "林晓", "registrar", "登记员"),
    ("nurse", "苗雨", "nurse", "护师"),
    ("technologist", "韩静", "technologist", "主管技师"),
    ("technologist2", "邹凯", "technologist", "技师"),
    ("interviewer", "谭心", "interviewer", "医师"),
    ("doctor", "唐允", "doctor", "主治医师"),
    ("doctor2", "魏岚", "doctor", "主治医师"),
    ("chief", "沈知遥", "chief", "副主任医师"),
    ("chief2", "顾长宁", "chief", "副主任医师"),
    ("head", "程砚秋", "head", "主任医师"),
    ("pharmacist", "罗衡", "pharmacist", "放药师"),
    ("pharmacist2", "尹蔚", "pharmacist", "放药师"),
    ("physicist", "庄严", "physicist", "物理师"),
    ("labtech", "褚宁", "labtech", "检验技师"),
    ("clinician", "邵明岚", "clinician", "肿瘤科医师"),
    ("student", "季然", "student", "规培医师"),
    ("expert", "莫清远", "expert", "院外专家"),
    ("sysadmin", "齐工", "sysadmin", "系统管理员"),
    ("secadmin", "安工", "secadmin", "安全管理员"),
    ("auditor", "严工", "auditor", "审计管理员"),
)
"""Login name, name, role, title."""


@dataclass(frozen=True)
class Somebody:
    """A patient of the demo: `item` and `device` are codes; `scan_min` is when the scan begins, in minutes from now."""

    name_zh: str
    sex: str
    born: dt.date
    item: str
    device: str
    scan_min: int
    source: str = "outpatient"
    department: str = ""
    physician: str = ""
    bed: str = ""
    diagnosis: str = ""
    weight_kg: float = 62.0
    height_cm: float = 166.0
    glucose: float | None = None
    diabetes: str = "none"
    fate: str = ""
    images: str = ""


def patients() -> tuple[Somebody, ...]:
    """Everybody of `patients.toml`."""
    text = files(__package__).joinpath("patients.toml").read_text("utf-8")
    rows = tomllib.loads(text)["patient"]
    return tuple(Somebody(name_zh=row.pop("name"), **row) for row in rows)


def id_card(person: Somebody, place: int) -> str:
    """A number with a right check digit (GB 11643) in a region that does not exist."""
    sequence = place * 2 + (1 if person.sex == "M" else 0)
    body = f"{REGION}{person.born:%Y%m%d}{sequence % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11]


def phone(place: int) -> str:
    """A telephone number that nobody has."""
    return f"990{place:08d}"
