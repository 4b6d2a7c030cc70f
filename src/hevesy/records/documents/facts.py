"""What paper says about an exam: plain strings, in the language of the page (clauses 2.3, 2.4)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from hevesy.records.catalogue.models import Tracer
from hevesy.records.catalogue.queries import policy
from hevesy.records.exams.models import Exam, ExamStep

ARRIVE_EARLY_MIN = 30
"""How long before the first injection or scan the patient is asked to come (policy `slip.arrive_early_min`)."""

WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")


def english() -> bool:
    """Whether the page is made in English."""
    return (get_language() or "").startswith("en")


def tracer_mark(tracer: Tracer | None) -> dict[str, str] | None:
    """The tracer's name as the templates set it: mass number raised, the rest after it."""
    if tracer is None:
        return None
    return {"mass": tracer.mass_number, "rest": f"{tracer.element}{tracer.label}"}


def clock(at: dt.datetime) -> str:
    """10:45 in the site's zone."""
    return timezone.localtime(at).strftime("%H:%M")


def day(at: dt.datetime) -> str:
    """11月24日 周二, or Tue 24 Nov."""
    local = timezone.localtime(at)
    if english():
        return local.strftime("%a %d %b")
    return f"{local.month}月{local.day}日 {WEEKDAYS[local.weekday()]}"


def age_text(birth_date: dt.date | None, on: dt.date) -> str:
    """Age in years, in months under two years, in days under two months; empty when unknown."""
    if birth_date is None:
        return ""
    months = (
        (on.year - birth_date.year) * 12 + on.month - birth_date.month - (on.day < birth_date.day)
    )
    if months >= 24:
        return _("%(n)d years") % {"n": months // 12}
    if months >= 2:
        return _("%(n)d months") % {"n": months}
    return _("%(n)d days") % {"n": (on - birth_date).days}


def person(exam: Exam) -> str:
    """女 66 岁，门诊"""
    patient = exam.patient
    on = timezone.localdate(exam.booked_for) if exam.booked_for else timezone.localdate()
    parts = f"{patient.get_sex_display()} {age_text(patient.birth_date, on)}".strip()
    return f"{parts}{', ' if english() else '，'}{exam.get_source_display()}"


def demo_word(exam: Exam) -> str | None:
    """The mark that every demonstration page carries."""
    return _("DEMO") if exam.is_demo or settings.DEMO else None


def first_step(exam: Exam) -> ExamStep | None:
    """The step the patient comes for first."""
    return exam.steps.select_related("tracer", "device__room").order_by("number").first()


def injection_at(step: ExamStep) -> dt.datetime | None:
    """When the drug is due: the scan less the uptake time."""
    if step.starts_at is None or not step.administers:
        return None
    return step.starts_at - dt.timedelta(minutes=step.uptake_min or 0)


def arrive_at(exam: Exam) -> dt.datetime | None:
    """When the patient is asked to come."""
    step = first_step(exam)
    if step is None or step.starts_at is None:
        return None
    early = int(policy("slip.arrive_early_min", ARRIVE_EARLY_MIN))
    return (injection_at(step) or step.starts_at) - dt.timedelta(minutes=early)


def sentences(text: str) -> list[str]:
    """Preparation text of the catalogue as separate lines: one per line or semicolon."""
    pieces = text.replace("；", "\n").replace(";", "\n").splitlines()
    return [
        piece.strip().rstrip("。") + ("" if english() else "。")
        for piece in pieces
        if piece.strip()
    ]


def hospital() -> dict[str, str]:
    """Name, department, address and telephone of the site, from the policies."""
    return {
        "hospital": str(policy("hospital.name", _("Hospital"))),
        "department": str(policy("hospital.department", _("Nuclear Medicine"))),
        "address": str(policy("hospital.address", "")),
        "phone": str(policy("hospital.phone", "")),
    }


def slip(exam: Exam, *, by_name: str, print_number: int) -> dict[str, Any]:
    """Facts of the appointment slip."""
    site = hospital()
    step = first_step(exam)
    arrive = arrive_at(exam)
    pairs = [[_("Examination"), exam.item.name], [_("Exam number"), exam.number]]
    if step and step.starts_at:
        drug_at = injection_at(step)
        if drug_at:
            rest = _("%(time)s, then rest %(n)d minutes") % {
                "time": clock(drug_at),
                "n": step.uptake_min or 0,
            }
            pairs.append([_("Injection about"), rest])
        end = step.starts_at + dt.timedelta(minutes=step.duration_min)
        scan = _("%(start)s, leave about %(end)s") % {
            "start": clock(step.starts_at),
            "end": clock(end),
        }
        pairs.append([_("Scan about"), scan])
    request = f"{exam.requesting_department} {exam.requesting_physician}".strip()
    if request:
        pairs.append([pgettext("slip", "Requested by"), request])
    if step and step.device:
        pairs.append([_("Device"), step.device.name])
    conditions = []
    if "diabetes" in exam.flags:
        text = str(
            policy(
                "slip.diabetes_text", _("bring your medicine; your glucose is measured on arrival.")
            )
        )
        conditions.append([_("You have diabetes:"), text])
    if "pregnancy" in exam.flags:
        conditions.append([_("Pregnancy:"), _("tell us at the desk before anything is injected.")])
    deadline = (arrive or timezone.now()) - dt.timedelta(days=1)
    phone = site["phone"] or "—"
    absent = _("Please call %(phone)s before 16:00 on %(day)s to change the appointment.")
    if step and step.tracer:
        absent = _("The drug can be used on that day only.") + absent
    preparation = (
        exam.item.preparation_en
        if english() and exam.item.preparation_en
        else exam.item.preparation_zh
    )
    after = str(policy("slip.after_text", _("Drink plenty and empty the bladder often.")))
    return {
        "lang": "en" if english() else "zh",
        "title": _("Appointment"),
        "hospital": site["hospital"],
        "department": site["department"],
        "name": exam.patient.name_zh,
        "person": person(exam),
        "number": exam.number,
        "demo": demo_word(exam),
        "arrive_label": _("Please arrive at"),
        "arrive_time": clock(arrive) if arrive else "—",
        "arrive_date": day(arrive) if arrive else "",
        "place_label": _("Report to"),
        "place_floor": str(policy("slip.place_floor", "")),
        "place": str(policy("slip.place", _("nuclear medicine desk"))),
        "item_label": _("Examination"),
        "tracer": tracer_mark(step.tracer if step else None),
        "pairs": pairs,
        "before_label": _("Before the examination"),
        "before": sentences(preparation),
        "conditions": conditions,
        "after_label": _("After the examination"),
        "after": sentences(after) if step and step.tracer else [],
        "absent_label": _("If you cannot come"),
        "absent": absent % {"phone": phone, "day": day(deadline)},
        "printed": _("Registered by %(name)s, printed %(at)s, copy %(n)d")
        % {
            "name": by_name,
            "at": f"{day(timezone.now())} {clock(timezone.now())}",
            "n": print_number,
        },
        "warning": _("Pregnant, possibly pregnant or breastfeeding? Tell us first."),
    }


def exam_label(exam: Exam) -> dict[str, Any]:
    """Facts of the 50 × 30 mm patient label."""
    step = first_step(exam)
    arrive = arrive_at(exam)
    patient = exam.patient
    on = timezone.localdate(exam.booked_for) if exam.booked_for else timezone.localdate()
    when = timezone.localtime(arrive).strftime("%m-%d %H:%M") if arrive else ""
    return {
        "lang": "en" if english() else "zh",
        "name": patient.name_zh,
        "person": f"{patient.get_sex_display()} {age_text(patient.birth_date, on)}",
        "item": exam.modality_class.name,
        "tracer": tracer_mark(step.tracer if step else None),
        "arrive": _("arrive %(when)s") % {"when": when} if when else "",
        "place": str(policy("slip.place", _("nuclear medicine desk"))),
        "number": exam.number,
        "demo": demo_word(exam),
    }
