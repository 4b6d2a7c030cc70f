"""Every permission and every default role, in one table (clauses 1.7, 6.25, 10.12).

The database holds the site's roles, seeded from here; a site may change them on a page. Nobody gets a right that
is not declared here. The three administrators read no clinical content, and nobody may be two of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from hevesy.foundation.accounts.permissions import declare

for _code, _label in [
    ("patients.view", _("read patient records")),
    ("patients.edit", _("register and correct patients")),
    ("patients.merge", _("merge patient records")),
    ("patients.export", _("export patient data")),
    ("exams.view", _("read examinations")),
    ("exams.book", _("book and move examinations")),
    ("exams.cancel", _("cancel examinations")),
    ("exams.arrive", _("confirm arrivals")),
    ("exams.interview", _("record interviews")),
    ("exams.acquire", _("start and finish acquisitions")),
    ("queues.view", _("see the queues")),
    ("queues.call", _("call patients")),
    ("doses.view", _("see batches and doses")),
    ("doses.produce", _("record batches")),
    ("doses.release", _("release batches")),
    ("doses.dispense", _("dispense doses")),
    ("doses.administer", _("administer radiopharmaceuticals")),
    ("doses.override", _("accept a dose outside tolerance")),
    ("archive.view", _("open images")),
    ("archive.link", _("link images to examinations")),
    ("archive.store", _("store images")),
    ("findings.write", _("save key images and measurements")),
    ("reports.view", _("read reports in the department")),
    ("reports.write", _("write reports")),
    ("reports.submit", _("submit reports for audit")),
    ("reports.audit", _("audit reports")),
    ("reports.correct", _("correct audited reports")),
    ("publishing.publish", _("publish and withdraw reports")),
    ("publishing.read", _("read published reports")),
    ("documents.print", _("print slips and labels")),
    ("catalogue.view", _("read the catalogue")),
    ("catalogue.edit", _("edit the catalogue")),
    ("equipment.edit", _("edit devices")),
    ("statistics.view", _("read statistics")),
    ("stations.manage", _("manage stations")),
    ("stations.show", _("show calls on a wall screen")),
    ("stations.checkin", _("let patients check in at a kiosk")),
    ("accounts.manage", _("manage accounts and roles")),
    ("system.manage", _("run the system: jobs, storage, settings")),
    ("audit.read", _("read the audit trail")),
    ("tokens.manage", _("issue program tokens")),
]:
    declare(_code, _label)


@dataclass(frozen=True)
class DefaultRole:
    """A role as delivered: its Chinese and English name and what it may do."""

    key: str
    name_zh: str
    name_en: str
    permissions: tuple[str, ...]
    idle_minutes: int = 30
    exclusive_group: str = ""


_READ = ("patients.view", "exams.view", "queues.view", "catalogue.view", "doses.view")
_FRONT = (
    *_READ,
    "patients.edit",
    "exams.book",
    "exams.cancel",
    "exams.arrive",
    "queues.call",
    "documents.print",
)
_READING = (*_READ, "archive.view", "findings.write", "reports.view")
_WRITING = (*_READING, "reports.write", "reports.submit", "documents.print")
_AUDITING = (*_WRITING, "reports.audit", "reports.correct", "publishing.publish", "archive.link")

DEFAULT_ROLES: tuple[DefaultRole, ...] = (
    DefaultRole("registrar", "登记员", "Registrar", (*_FRONT, "archive.link")),
    DefaultRole(
        "nurse",
        "护士",
        "Nurse",
        (
            *_READ,
            "exams.arrive",
            "exams.interview",
            "queues.call",
            "doses.administer",
            "documents.print",
        ),
    ),
    DefaultRole(
        "technologist",
        "技师",
        "Technologist",
        (
            *_READ,
            "exams.arrive",
            "exams.interview",
            "exams.acquire",
            "queues.call",
            "doses.administer",
            "archive.view",
            "archive.link",
            "archive.store",
            "documents.print",
        ),
    ),
    DefaultRole(
        "interviewer",
        "问诊医师",
        "Interviewing physician",
        (*_READ, "exams.interview", "queues.call"),
    ),
    DefaultRole("doctor", "报告医师", "Reading physician", _WRITING, 60),
    DefaultRole("chief", "审核医师", "Auditing physician", _AUDITING, 60),
    DefaultRole(
        "head",
        "科主任",
        "Head of department",
        (
            *_AUDITING,
            "patients.edit",
            "patients.merge",
            "patients.export",
            "exams.book",
            "exams.cancel",
            "doses.override",
            "catalogue.edit",
            "equipment.edit",
            "statistics.view",
        ),
        60,
    ),
    DefaultRole(
        "pharmacist",
        "放药师",
        "Radiopharmacist",
        (*_READ, "doses.produce", "doses.release", "doses.dispense", "documents.print"),
    ),
    DefaultRole(
        "physicist",
        "物理师",
        "Medical physicist",
        (*_READ, "archive.view", "equipment.edit", "doses.override", "statistics.view"),
    ),
    DefaultRole("labtech", "放免检验师", "In-vitro laboratory technologist", _READ),
    DefaultRole("clinician", "临床医师", "Clinician", ("publishing.read",), 15),
    DefaultRole("student", "学生", "Student", (*_READING, "reports.write"), 30),
    DefaultRole("expert", "院外专家", "Outside expert", (), 15),
    DefaultRole(
        "sysadmin",
        "系统管理员",
        "System administrator",
        ("system.manage", "stations.manage", "equipment.edit", "catalogue.view"),
        15,
        "administrators",
    ),
    DefaultRole(
        "secadmin",
        "安全管理员",
        "Security administrator",
        ("accounts.manage", "tokens.manage"),
        15,
        "administrators",
    ),
    DefaultRole(
        "auditor", "审计管理员", "Audit administrator", ("audit.read",), 15, "administrators"
    ),
)
