"""What the demo's physicians write. The second text is the auditor's, so that every audit leaves marks."""

from __future__ import annotations

from dataclasses import dataclass

from hevesy.records.catalogue.models import ReportTemplate
from hevesy.records.exams.models import Exam
from hevesy.records.reports.facts import fill, template_values


@dataclass(frozen=True)
class Text:
    """A draft and what the auditor makes of it."""

    draft: dict[str, str]
    final: dict[str, str]


CANCER_FINDINGS = """\
脑：大脑皮质、基底节、丘脑及小脑放射性分布对称，未见明显异常浓聚灶。
胸部：右肺上叶见一实性结节，直径约 2.8 cm，边缘清楚，代谢明显增高，SUVmax 12.5；\
右肺门见肿大淋巴结，SUVmax 8.6；纵隔 4R 区见肿大淋巴结，SUVmax 7.4。左锁骨上见代谢增高结节，SUVmax 6.2。
腹盆部：肝 S8 段见代谢增高灶，SUVmax 9.0；左肾上腺结节样增粗，SUVmax 7.0。
骨骼：第 3 腰椎及右髂骨见代谢增高灶，SUVmax 分别为 8.0、6.8。其余部位放射性分布未见异常。"""
CANCER_DRAFT = """1. 右肺上叶结节代谢明显增高，考虑恶性可能。
2. 右肺门、纵隔、左锁骨上淋巴结转移；肝、左肾上腺及骨转移。"""
CANCER_FINAL = """1. 右肺上叶结节代谢明显增高，符合周围型肺癌。
2. 右肺门、纵隔（4R）、左锁骨上淋巴结转移；肝、左肾上腺及多发骨（L3、右髂骨）转移，影像分期 cT1cN3M1c。"""


def report_text(exam: Exam, images: str) -> Text:
    """The report of an exam, begun with the template of its item as a physician would."""
    template = (
        ReportTemplate.objects.filter(item=exam.item).first()
        or ReportTemplate.objects.filter(code="default").first()
    )
    sections = fill(template.sections, template_values(exam)) if template else {}
    base = {
        name: _finished(sections.get(name, "")) for name in ("technique", "findings", "impression")
    }
    if images == "cancer":
        draft = {**base, "findings": CANCER_FINDINGS, "impression": CANCER_DRAFT}
        final = {
            **draft,
            "findings": CANCER_FINDINGS.replace("边缘清楚", "边缘可见短毛刺，牵拉邻近胸膜"),
            "impression": CANCER_FINAL,
        }
        return Text(draft, final)
    if not base["impression"].strip(" 1.\n"):
        base["impression"] = f"1. {exam.item.name_zh}未见明显异常。"
    final = {**base, "impression": base["impression"].rstrip() + "\n建议结合临床，定期随访。"}
    return Text(base, final)


def _finished(text: str) -> str:
    """A template's text without what is left to fill in."""
    lines = [
        line
        for line in text.splitlines()
        if "{{" not in line and "（请" not in line and "【" not in line
    ]
    return "\n".join(line for line in lines if line.strip() not in ("1.", "2.", "3.")).strip()
