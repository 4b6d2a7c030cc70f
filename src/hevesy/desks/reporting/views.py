"""The reading desk (clauses 6.2-6.7, 6.25): parse, call one action, come back to the page."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from hevesy.desks.reporting.desk import LISTS, Work, sheet_of, templates_for, worklists
from hevesy.foundation.accounts.guards import StaffRequest, needs, passive
from hevesy.records.catalogue.models import ReportTemplate
from hevesy.records.exams.models import Exam
from hevesy.records.exams.presenting import age, chip
from hevesy.records.exams.queries import visible_to
from hevesy.records.findings import actions as findings
from hevesy.records.findings.models import KeyImage
from hevesy.records.reports import actions
from hevesy.records.reports.facts import exam_facts, fill, template_values
from hevesy.records.reports.models import Report
from hevesy.records.reports.paper import preview_pdf
from hevesy.records.reports.versions import SECTIONS


def _exam(request: StaffRequest, number: str) -> Exam:
    request.actor.require("reports.view")
    rows = visible_to(request.actor).select_related("patient", "item", "modality_class")
    return get_object_or_404(rows, number=number)


def _report(request: StaffRequest, number: str) -> Report:
    return get_object_or_404(Report.objects.select_related("exam"), exam=_exam(request, number))


def _text(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "")[:20_000] for name in SECTIONS}


def _base(request: HttpRequest) -> int:
    text = request.POST.get("base_version", "0")
    return int(text) if text.isdecimal() else 0


@require_GET
@needs("reports.view")
def desk(request: StaffRequest, number: str = "") -> HttpResponse:
    """The desk: worklist, report, pictures. Without a number the first exam of the list."""
    works, chosen = worklists(request.actor, request.GET.get("list", ""))
    context: dict[str, object] = {
        "works": works,
        "chosen": chosen,
        "options": _options(works, chosen.key),
    }
    if not number and chosen.exams:
        number = chosen.exams[0].number
    if number:
        exam = _exam(request, number)
        context |= {
            "sheet": sheet_of(exam, request.actor),
            "exam": exam,
            "facts": exam_facts(exam),
            "templates": templates_for(exam, request.actor),
            "age": age(exam.patient.birth_date),
            "chip": chip(exam.state),
            "reasons": _reasons(number),
        }
    fragments = {"worklist": "reporting/_worklist.html", "pictures": "reporting/_pictures.html"}
    if request.htmx and request.htmx.target in fragments:
        return render(request, fragments[request.htmx.target], context)
    return render(request, "reporting/desk.html", context)


def _reasons(number: str) -> list[tuple[str, str, str]]:
    """The moves that ask for a reason: name, word of the button, address."""
    return [
        ("return", _("Return to the author"), reverse("reporting:return", args=[number])),
        ("correct", _("Save the correction"), reverse("reporting:correct", args=[number])),
        ("withdraw", _("Withdraw the report"), reverse("reporting:withdraw", args=[number])),
    ]


def _options(works: list[Work], chosen: str) -> list[dict[str, object]]:
    options = []
    for work in works:
        option = dict(work.option)
        option["on"] = option["value"] == chosen
        options.append(option)
    return options


@require_GET
@needs("reports.view")
def marks(request: StaffRequest, number: str) -> HttpResponse:
    """The marked difference of two versions, the auditor's changes unless others are asked for."""
    sheet = sheet_of(_exam(request, number), request.actor)
    if sheet.version is None:
        raise Http404
    older, newer = sheet.default_marks()
    asked = request.GET.get("older", ""), request.GET.get("newer", "")
    if all(text.isdecimal() for text in asked):
        older, newer = int(asked[0]), int(asked[1])
    numbers = {version.number for version in sheet.versions}
    if newer not in numbers or older not in numbers:
        raise Http404
    context = {
        "sheet": sheet,
        "sections": sheet.marks(older, newer),
        "older": older,
        "newer": newer,
    }
    context["version"] = next(version for version in sheet.versions if version.number == newer)
    return render(request, "reporting/_marks.html", context)


@require_POST
@needs("reports.write")
def start(request: StaffRequest, number: str) -> HttpResponse:
    """Begin the report with a template; its fields are filled with what the record knows."""
    exam = _exam(request, number)
    sections = dict.fromkeys(SECTIONS, "")
    template = ReportTemplate.objects.filter(
        code=request.POST.get("template", ""), active=True
    ).first()
    if template is not None:
        sections |= fill(template.sections, template_values(exam))
    actions.start_report(request.actor, exam, sections)
    return _back(request, number)


@require_POST
@needs("reports.write")
def save(request: StaffRequest, number: str) -> HttpResponse:
    """Save the draft; the page goes on where it is."""
    report = actions.save_draft(
        request.actor, _report(request, number), _text(request), base_number=_base(request)
    )
    if request.htmx:
        sheet = sheet_of(report.exam, request.actor)
        return render(request, "reporting/_saved.html", {"sheet": sheet, "exam": report.exam})
    return redirect("reporting:exam", number=number)


@require_POST
@needs("reports.submit")
def submit(request: StaffRequest, number: str) -> HttpResponse:
    """Hand the text to audit."""
    actions.submit_report(
        request.actor, _report(request, number), _text(request), base_number=_base(request)
    )
    return _back(request, number)


@require_POST
@needs("reports.write")
def take_back(request: StaffRequest, number: str) -> HttpResponse:
    """Take a submission back."""
    actions.withdraw_submission(request.actor, _report(request, number))
    return _back(request, number)


@require_POST
@needs("reports.audit")
def send_back(request: StaffRequest, number: str) -> HttpResponse:
    """Return it to the author with a reason."""
    actions.return_report(
        request.actor, _report(request, number), reason=request.POST.get("reason", "")
    )
    return _back(request, number)


@require_POST
@needs("reports.audit")
def audit(request: StaffRequest, number: str) -> HttpResponse:
    """Make it final; changes show as marks."""
    actions.audit_report(
        request.actor, _report(request, number), _text(request), base_number=_base(request)
    )
    return _back(request, number)


@require_POST
@needs("reports.correct")
def correct(request: StaffRequest, number: str) -> HttpResponse:
    """Correct an audited report with a reason."""
    actions.correct_report(
        request.actor,
        _report(request, number),
        _text(request),
        base_number=_base(request),
        reason=request.POST.get("reason", ""),
    )
    return _back(request, number)


@require_POST
@needs("publishing.publish")
def publish(request: StaffRequest, number: str) -> HttpResponse:
    """Let clinicians read it."""
    actions.publish_report(request.actor, _report(request, number))
    return _back(request, number)


@require_POST
@needs("publishing.publish")
def withdraw(request: StaffRequest, number: str) -> HttpResponse:
    """Take it back from the clinicians."""
    actions.withdraw_report(
        request.actor, _report(request, number), reason=request.POST.get("reason", "")
    )
    return _back(request, number)


@require_POST
@passive
@needs("reports.write")
def hold(request: StaffRequest, number: str) -> HttpResponse:
    """The page is still open: renew the lock."""
    actions.hold_lock(request.actor, _report(request, number))
    return HttpResponse(status=204)


@require_GET
@needs("reports.view")
def preview(request: StaffRequest, number: str) -> HttpResponse:
    """The PDF as it would be printed now."""
    report = _report(request, number)
    if report.current is None:
        raise Http404
    response = HttpResponse(preview_pdf(report, report.current), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{report.exam.number}.pdf"'
    return response


@require_POST
@needs("findings.write")
def picture(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """Caption of a key image, and whether the report shows it."""
    exam = _exam(request, number)
    image = get_object_or_404(KeyImage, pk=pk, study__exam=exam)
    findings.describe_key_image(
        request.actor,
        image,
        caption=request.POST.get("caption", ""),
        in_report=request.POST.get("in_report") == "1",
    )
    sheet = sheet_of(exam, request.actor)
    return render(request, "reporting/_pictures.html", {"sheet": sheet, "exam": exam})


def _back(request: StaffRequest, number: str) -> HttpResponse:
    """To the page of the exam, for htmx by its own kind of redirect."""
    address = reverse("reporting:exam", args=[number])
    if request.htmx:
        # An auditor stays in the list that the next report to audit stands in.
        asked = parse_qs(urlsplit(request.htmx.current_url or "").query).get("list", [""])[0]
        if asked in LISTS:
            address += f"?list={asked}"
        response = HttpResponse(status=204)
        response["HX-Redirect"] = address
        return response
    return redirect(address)
