"""The report on paper (clause 6.7): facts and key images of one version, set by Typst."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.files.queries import open_file
from hevesy.foundation.stations import qr
from hevesy.records.documents import facts as paper
from hevesy.records.documents.actions import make_document
from hevesy.records.documents.models import Document
from hevesy.records.documents.typesetting import qr_svg, typeset
from hevesy.records.findings.models import KeyImage
from hevesy.records.reports.models import Report, ReportVersion


def titles() -> dict[str, str]:
    """Headings of the sections."""
    return {
        "technique": pgettext("report section", "Technique"),
        "findings": pgettext("report section", "Findings"),
        "impression": pgettext("report section", "Impression"),
    }


def report_content(
    report: Report, version: ReportVersion
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Facts and pictures for the template `report`."""
    exam = report.exam
    site = paper.hospital()
    known = version.facts
    tracers = known.get("tracers", [])
    first = paper.first_step(exam)
    acquired_at = known.get("acquired_at")
    acquired = dt.datetime.fromisoformat(acquired_at) if acquired_at else None
    patient = exam.patient
    on = timezone.localdate(acquired) if acquired else timezone.localdate()
    activity = ""
    if tracers and tracers[0]["administered_mbq"] is not None:
        activity = f"{tracers[0]['administered_mbq']:.0f} MBq {tracers[0]['route']}"
    body = [f"{known['weight_kg']:.1f} kg"] if known.get("weight_kg") else []
    if known.get("glucose_mmol_l"):
        body.append(f"{known['glucose_mmol_l']:.1f} mmol/L")
    identity = [
        [_("Name"), patient.name_zh, "strong"],
        [_("Sex, age"), f"{patient.get_sex_display()} {paper.age_text(patient.birth_date, on)}"],
        [_("Patient ID"), patient.patient_id],
        [_("Ward, bed"), f"{exam.requesting_department} {exam.bed}".strip() or "—"],
        [_("Physician"), exam.requesting_physician or "—"],
        [
            _("Examined"),
            timezone.localtime(acquired).strftime("%Y-%m-%d %H:%M") if acquired else "—",
        ],
        [pgettext("report", "Diagnosis"), exam.clinical_diagnosis or "—"],
        [_("Device"), known.get("device") or "—"],
        [pgettext("report", "Tracer"), "{tracer}" if tracers else "—"],
        [pgettext("report", "Weight, glucose"), "，".join(body) or "—"],
        [
            pgettext("report", "Uptake"),
            _("%(n)d minutes") % {"n": known["uptake_min"]} if known.get("uptake_min") else "—",
        ],
        [
            _("Effective dose"),
            _("about %(n).1f mSv (drug)") % {"n": known["effective_dose_msv"]}
            if known.get("effective_dose_msv")
            else "—",
        ],
    ]
    files = {
        "qr.svg": qr_svg(
            qr.make("D", f"{exam.code}-{version.number}-{version.sha256[:12]}".upper())
        )
    }
    images = []
    for number, image in enumerate(version.key_images, start=1):
        row = KeyImage.objects.select_related("file").get(pk=image["id"])
        name = f"image-{number}.png"
        with open_file(row.file) as stream:
            files[name] = stream.read()
        images.append({"file": name, "caption": f"{number} {image['caption']}".strip()})
    heads = titles()
    sections = [
        [heads[name], version.sections[name], "strong" if name == "impression" else ""]
        for name in ("technique", "findings", "impression")
        if version.sections.get(name, "").strip()
    ]
    signatures = [[_("Reported by"), report.author.name_zh if report.author else ""]]
    if report.auditor and report.audited_at:
        signatures.append([_("Audited by"), report.auditor.name_zh])
    signed = (
        _("Audited %(at)s")
        % {"at": timezone.localtime(report.audited_at).strftime("%Y-%m-%d %H:%M")}
        if report.audited_at
        else _("Not audited: preliminary")
    )
    content = {
        "lang": "en" if paper.english() else "zh",
        "title": _("%(kind)s report") % {"kind": exam.modality_class.name},
        "hospital": site["hospital"],
        "address": f"{site['address']} {site['phone']}".strip(),
        "number": exam.number,
        "version": _("Version %(n)d") % {"n": version.number},
        "demo": paper.demo_word(exam),
        "tracer": paper.tracer_mark(first.tracer if first else None),
        "activity": activity,
        "identity": identity,
        "correction": version.reason if version.act == "correct" else None,
        "correction_label": _("Correction:"),
        "images": images,
        "sections": sections,
        "signatures": signatures,
        "signed_at": signed,
        "disclaimer": _(
            "This report answers this examination only; read it with the clinical findings."
        ),
        "page_text": _("Page {page} of {pages}"),
        "void": None if report.audited_at else _("PRELIMINARY"),
    }
    return content, files


def preview_pdf(report: Report, version: ReportVersion) -> bytes:
    """The PDF as it would be printed now; nothing is stored."""
    content, files = report_content(report, version)
    return typeset("report", content, files)


def report_pdf(by: Actor, report: Report, version: ReportVersion) -> Document:
    """Set and keep the PDF of one version."""
    content, files = report_content(report, version)
    return make_document(
        by,
        "report",
        "report",
        content,
        exam=report.exam,
        name=f"{report.exam.number}-v{version.number}",
        files=files,
        made_from={"version": version.number, "sha256": version.sha256},
    )
