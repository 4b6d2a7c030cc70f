"""What the gallery shows: every part in every state, with invented people and computed curves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.utils import timezone
from django.utils.translation import pgettext

from hevesy.foundation.ui.chips import Chip
from hevesy.foundation.ui.drawings import (
    Chart,
    Delivery,
    Series,
    Span,
    Timeline,
    TimelineRow,
    Tree,
    TreeNode,
)

F18_S = 6586.2
"""Half-life for the falling curve of the specimen; the system itself takes it from its nuclide table."""


def specimens() -> dict[str, Any]:
    """Variables of `ui/gallery.html`."""
    now = timezone.now()
    return {
        "chips": CHIPS,
        "signals": SIGNALS,
        "tokens": TOKENS,
        "flow": flow(),
        "path": path(),
        "starts": [now - timedelta(minutes=minutes) for minutes in (30, 65, 94)],
        "now": now,
        "reference": now - timedelta(minutes=163),
        "expiry": now - timedelta(minutes=1),
        "tiles_ok": tiles("ok", "ok", "ok"),
        "tiles": tiles("ok", "wait", "bad"),
        "days": [
            {"value": "day", "word": pgettext("gallery", "Today"), "on": True},
            {"value": "week", "word": pgettext("gallery", "This week"), "count": 8},
            {
                "value": "month",
                "word": pgettext("gallery", "This month"),
                "count": 2,
                "tone": "amber",
            },
        ],
        "tabs": [
            {"word": pgettext("gallery", "Under way"), "on": True, "count": 8, "panel": "panel-1"},
            {"word": pgettext("gallery", "To come"), "count": 12, "panel": "panel-2"},
        ],
        "heads": [
            pgettext("gallery", "State"),
            pgettext("gallery", "Patient"),
            pgettext("gallery", "Examination"),
            {"word": pgettext("gallery", "Weight"), "num": True},
            {"word": pgettext("gallery", "Uptake window"), "width": "wide"},
            pgettext("gallery", "Flags"),
            {"word": ""},
        ],
        "sites": [
            ("", "—"),
            ("right", pgettext("gallery", "right forearm")),
            ("left", pgettext("gallery", "left forearm")),
        ],
        "page": Paginator(range(230), 50).page(2),
        "tree": tree(),
        "timeline": timeline(now),
        "bars": bars(),
        "lines": lines(),
        "lesions": LESIONS,
        "facts": [
            ("检查号", "PT26-01873"),
            ("检查", "PET-CT 全身"),
            ("示踪剂 / 活度", "F-18 FDG 269 MBq"),
            ("摄取", "61 分"),
            ("体重 / 血糖", "67.5 kg，8.9"),
        ],
        "interview": [
            ("禁食", "14 小时"),
            ("糖尿病", "2 型，二甲双胍"),
            ("过敏", "无"),
            ("平卧", "可，30 分钟"),
        ],
        "stop_steps": [
            "放下注射器 U-1124-0934，放回铅罐。",
            "从传递窗取 U-1124-0931，再扫一次。",
            "两位患者姓名相近：请让患者自己说出全名和出生日期。",
        ],
        "total": {"suv_max": 12.8, "mtv_ml": 21.6, "tlg": 118.4},
    }


CHIPS = [
    Chip("ordered", "已申请", "file-text"),
    Chip("scheduled", "已预约", "calendar-event"),
    Chip("arrived", "已报到", "map-pin-check"),
    Chip("interviewed", "已问诊", "clipboard-heart"),
    Chip("uptake", "摄取中", "hourglass"),
    Chip("scanning", "检查中", "viewfinder"),
    Chip("acquired", "已采集", "photo-check"),
    Chip("reporting", "书写中", "pencil"),
    Chip("submitted", "待审核", "send"),
    Chip("audited", "已审核", "rosette-discount-check"),
    Chip("published", "已发布", "world-upload"),
    Chip("cancelled", "已取消", "ban"),
]
SIGNALS = [
    Chip("amber", "将超时", "clock-exclamation"),
    Chip("red", "已超期", "alert-octagon"),
    Chip("critical", "危急值", "urgent"),
    Chip("ok", "三方一致", "circle-check"),
    Chip("info", "只读", "info-circle"),
    Chip("rad", "F-18 FDG", "radioactive"),
    Chip("plain", "外院", "building-hospital"),
]
TOKENS = (
    *("bg", "surface", "surface-2", "surface-3", "selected", "line", "line-2", "control-line"),
    *("text", "text-2", "text-3", "primary", "focus", "ok", "info", "amber", "red", "rad", "decay"),
    *("c1", "c2", "c3", "c4", "c5", "c6"),
)
LESIONS = [
    {"id": 1, "code": "L1", "place": "右肺上叶", "suv_max": 12.8, "suv_peak": 9.6, "mtv_ml": 4.2, "tlg": 31.1,
     "change": "新", "tone": "red", "on": True},
    {"id": 2, "code": "L2", "place": "右肺门 10R", "suv_max": 8.9, "suv_peak": 6.4, "mtv_ml": 1.9, "tlg": 9.7,
     "change": "新", "tone": "red"},
    {"id": 3, "code": "L3", "place": "隆突下 7", "suv_max": 7.2, "suv_peak": 5.3, "mtv_ml": 1.4, "tlg": 6.0,
     "change": "+62%", "tone": "amber"},
    {"id": 8, "code": "L8", "place": "左肺上叶", "suv_max": 4.6, "suv_peak": 2.9, "mtv_ml": 0.9, "tlg": 1.9,
     "change": "稳定", "tone": "mut"},
]  # fmt: skip


def flow() -> list[dict[str, Any]]:
    """The line of states with counts."""
    numbers = (6, 21, 9, 4, 8, 4, 5, 7, 3, 4, 17)
    items: list[dict[str, Any]] = [
        {"key": chip.key, "icon": chip.icon, "word": chip.word, "number": number, "href": "#flow"}
        for chip, number in zip(CHIPS, numbers, strict=False)
    ]
    items[1]["soon"], items[4]["soon"], items[8]["late"], items[4]["on"] = 2, 1, 3, True
    return items


def path() -> list[dict[str, Any]]:
    """One examination on its way."""
    notes = ("08:02", "08:05", "10:24", "10:36", "10:45，余 13 分")
    return [
        {
            "key": chip.key,
            "icon": chip.icon,
            "word": chip.word,
            "status": "now" if at == 4 else "skipped" if at == 8 else "done" if at < 4 else "next",
            "note": notes[at] if at < len(notes) else "",
        }
        for at, chip in enumerate(CHIPS[:11])
    ]


def tiles(*states: str) -> list[dict[str, Any]]:
    """The three sides of a check."""
    when = {"ok": "10:44:02", "wait": "", "bad": "不符"}
    sides = (
        ("患者", "user", "陈建国", [("性别 年龄", "男 62 岁"), ("检查号", "PT26-01873")]),
        ("注射器", "needle-thread", "F-18 FDG", [("分装号", "U-1124-0931"), ("效期", "13:10")]),
        ("医嘱", "file-text", "Tc-99m MDP", [("项目", "全身骨显像"), ("途径", "静脉注射")]),
    )
    return [
        {
            "head": head,
            "icon": icon,
            "state": state,
            "when": when[state],
            "big": "请扫注射器" if state == "wait" else big,
            "facts": [] if state == "wait" else facts,
        }
        for (head, icon, big, facts), state in zip(sides, states, strict=True)
    ]


def tree() -> Tree:
    """From target to patients."""
    return Tree(
        levels=[
            [
                TreeNode("t", "打靶 T-1124-1", "F-18 18.9 GBq", "rad"),
                TreeNode("p", "前体 M-2231", "效期 27-03"),
                TreeNode("c", "卡套 C-0871", "效期 27-01"),
            ],
            [TreeNode("b", "FDG-1124-01", "有条件放行", "focus", "#tree")],
            [TreeNode("v", "主瓶 V-1124-01", "2 266 MBq", "decay")],
            [
                TreeNode("u1", "U-1124-0929", "236 MBq", "ok"),
                TreeNode("u2", "U-1124-0930", "召回", "recalled"),
                TreeNode("u3", "U-1124-0931", "待复核", "now"),
            ],
            [
                TreeNode("k1", "孙秀珍", "PT26-01866"),
                TreeNode("k2", "高远", "PT26-01869", "recalled"),
                TreeNode("k3", "陈建国", "PT26-01873"),
            ],
        ],
        edges=[
            ("t", "b"), ("p", "b"), ("c", "b"), ("b", "v"), ("v", "u1"), ("v", "u2"), ("v", "u3"),
            ("u1", "k1"), ("u2", "k2"), ("u3", "k3"),
        ],
        label="从物料到患者的系谱",
        more={3: 15},
    )  # fmt: skip


def timeline(now: datetime) -> Timeline:
    """Two scanners, an injection room, an uptake room and the supply of a tracer over a working day."""
    day = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)

    def at(clock: str) -> datetime:
        hour, minute = clock.split(":")
        return day + timedelta(hours=int(hour), minutes=int(minute))

    def taken(first: str, last: str, minutes: int, *, pause: str = "") -> list[Span]:
        begin, spans = at(first), []
        while begin + timedelta(minutes=minutes) <= at(last):
            if not pause or not at(pause) <= begin < at(pause) + timedelta(hours=1):
                spans.append(Span(begin, begin + timedelta(minutes=minutes - 2)))
            begin += timedelta(minutes=minutes)
        return spans

    injection = Span(at("10:05"), at("10:15"), "chosen", title="注射 10:05")
    scan = Span(at("11:05"), at("11:27"), "chosen", "赵", title="扫描 11:05")
    free = Span(at("15:05"), at("15:27"), "free", "空", "#slot", "PET-CT 2 15:05 可约")
    short = Span(at("15:30"), at("15:52"), "short", "缺", "#slot", "PET-CT 2 15:30 活度不足")
    blocked = Span(at("10:50"), at("12:30"), "blocked", "停机检修 至 12:30")
    supply = fall(at("07:30"), at("16:30"), first=9.8, second_at=at("11:30"), second=8.6)
    return Timeline(
        start=at("07:30"),
        end=at("16:30"),
        label="PET-CT 今日时间表与 FDG 供需",
        rows=[
            TimelineRow("PET-CT 1", [*taken("08:20", "10:45", 22), blocked, *taken("12:35", "16:00", 22)]),
            TimelineRow("PET-CT 2", [*taken("08:30", "10:55", 22), scan, *taken("11:30", "15:00", 22), free, short]),
            TimelineRow("注射室", [*taken("07:40", "09:50", 15), injection, *taken("11:40", "14:40", 20)]),
            TimelineRow(
                "摄取间 8 位",
                load=[
                    (at("07:30") + timedelta(minutes=20 * n), at("07:30") + timedelta(minutes=20 * n + 20),
                     min(1.0, 0.15 * min(n + 1, 27 - n)))
                    for n in range(27)
                ],
            ),
        ],
        now=at("09:42"),
        chain=[(2, injection), (1, scan)],
        supply=supply,
        need=[(moment, value * 0.62) for moment, value in supply],
        need_with=[(moment, value * 0.62 + (0.25 if moment <= at("10:05") else 0)) for moment, value in supply],
        deliveries=[Delivery(at("11:30"), "第 2 批 11:30")],
        curve_label="FDG 供需",
        unit="GBq",
        width=1100,
    )  # fmt: skip


def fall(
    start: datetime, end: datetime, *, first: float, second_at: datetime, second: float
) -> list[tuple[datetime, float]]:
    """Two batches that decay; the second is added when it arrives."""
    curve, moment = [], start
    while moment <= end:
        value = first * 2 ** (-(moment - start).total_seconds() / F18_S)
        if moment >= second_at:
            value += second * 2 ** (-(moment - second_at).total_seconds() / F18_S)
        curve.append((moment, value))
        moment += timedelta(minutes=10)
    return curve


def bars() -> Chart:
    """Examinations per day."""
    days = [
        "2",
        "3",
        "4",
        "5",
        "6",
        "9",
        "10",
        "11",
        "12",
        "13",
        "16",
        "17",
        "18",
        "19",
        "20",
        "23",
        "24",
    ]
    return Chart(
        kind="bars",
        categories=days,
        series=[
            Series("PET-CT", [23, 25, 24, 26, 22, 24, 27, 25, 26, 23, 27, 26, 24, 28, 25, 22, 17]),
            Series("SPECT-CT", [24, 26, 22, 25, 24, 27, 26, 25, 29, 26, 27, 28, 26, 26, 29, 28, 17]),
            Series("骨密度", [10, 11, 10, 9, 11, 12, 11, 12, 9, 10, 12, 11, 10, 12, 11, 12, 7]),
        ],
        label="每日检查人次，11 月，由三种设备叠加",
        unit="人次",
        running=len(days) - 1,
    )  # fmt: skip


def lines() -> Chart:
    """Uniformity over a week against its limit."""
    return replace(
        bars(),
        kind="lines",
        categories=["18", "19", "20", "21", "22", "23", "24"],
        series=[
            Series("PET-CT 1", [3.1, 3.3, 3.2, None, None, 4.1, 4.8]),
            Series("PET-CT 2", [2.2, 2.1, 2.4, 2.2, 2.3, 2.2, 2.1]),
        ],
        label="晨检均匀性，7 天，限值 5%",
        unit="%",
        limit=5,
        running=None,
    )  # fmt: skip
