"""What speaks against submitting or auditing a text: leftovers, contradictions, empty parts (department.md §2.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from hevesy.records.exams.models import Exam

MALE_ONLY = ("前列腺", "精囊", "睾丸", "阴茎")
FEMALE_ONLY = ("子宫", "卵巢", "宫颈", "附件区", "输卵管", "阴道")


@dataclass(frozen=True)
class Remark:
    """One finding of the check; a blocking one must be mended before the report moves on."""

    text: str
    blocks: bool


def check_text(exam: Exam, sections: Mapping[str, str]) -> list[Remark]:
    """Every remark on a report's text; empty when nothing speaks against it."""
    remarks = []
    whole = "\n".join(sections.values())
    if not sections.get("findings", "").strip():
        remarks.append(Remark(_("The findings are empty."), blocks=True))
    if not sections.get("impression", "").strip():
        remarks.append(Remark(_("The impression is empty."), blocks=True))
    leftovers = sorted(set(re.findall(r"\{\{.*?\}\}|【[^】]*】|_{3,}", whole)))
    if leftovers:
        text = _("Not filled in yet: %(fields)s. Write the value there, or delete it.") % {
            "fields": "、".join(leftovers)
        }
        remarks.append(Remark(text, blocks=True))
    wrong = {"M": FEMALE_ONLY, "F": MALE_ONLY}.get(exam.patient.sex, ())
    # 未见…/无… names an organ only to say that it is not there, so such a clause does not count.
    clauses = [
        c for c in re.split(r"[。；;，,\n]", whole) if not re.search(r"切除|术后|缺如|未见", c)
    ]
    conflict = [organ for organ in wrong if any(organ in clause for clause in clauses)]
    if conflict:
        text = _("The text names %(organs)s, but the patient is %(sex)s.") % {
            "organs": "、".join(conflict),
            "sex": exam.patient.get_sex_display(),
        }
        remarks.append(Remark(text, blocks=True))
    impression_sides = _sides(sections.get("impression", ""))
    findings_sides = _sides(sections.get("findings", ""))
    if impression_sides - findings_sides and findings_sides:
        sides = "、".join(sorted(impression_sides - findings_sides))
        remarks.append(
            Remark(
                _("The impression names a side that the findings do not: %(sides)s")
                % {"sides": sides},
                False,
            )
        )
    return remarks


def _sides(text: str) -> set[str]:
    """左肺, 右肾 …: every side with the organ that follows it."""
    return set(re.findall(r"[左右](?:肺|肾|乳|额|颞|顶|枕|侧|肩|髋|膝|股骨|髂骨|肋)", text))
