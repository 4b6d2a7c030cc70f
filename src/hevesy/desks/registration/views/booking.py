"""Booking: person and request at the left, the choice of a time at the right."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from hevesy.desks.registration.chooser import Chooser, read_slot
from hevesy.desks.registration.forms import BookingForm
from hevesy.desks.registration.views.patients import visible
from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.toasts import toast
from hevesy.records.catalogue.models import ExamItem
from hevesy.records.exams.actions import AlreadyBooked, book_exam
from hevesy.records.exams.models import Exam
from hevesy.records.patients.models import Patient


@require_http_methods(["GET", "POST"])
@needs("exams.book")
def book(request: StaffRequest, pk: int) -> HttpResponse:
    """Book an examination for a person."""
    patient = visible(request, pk)
    if patient.merged_into is not None:
        return redirect("registration:book", patient.merged_into.pk)
    form = BookingForm(request.POST or None, initial=request.GET.dict())
    refusal = ""
    if request.method == "POST" and form.is_valid():
        try:
            exam = _book(request, form, patient)
        except AlreadyBooked as refused:
            toast(request, str(refused), "amber")
            return redirect("registration:exam", refused.exam.number)
        except Refused as refused:
            refusal = str(refused)
        else:
            toast(request, _("Booked: %(number)s.") % {"number": exam.number})
            return redirect("registration:exam", exam.number)
    context = _context(request, form, patient) | {"refusal": refusal}
    status = 400 if form.errors else 409 if refusal else 200
    return render(request, "registration/book.html", context, status=status)


def _book(request: StaffRequest, form: BookingForm, patient: Patient) -> Exam:
    slot = None if "later" in request.POST else read_slot(request.POST.get("slot", ""))
    device, starts_at = slot or (None, None)
    return book_exam(
        request.actor,
        patient=patient,
        item=form.cleaned_data["item"],
        device=device,
        starts_at=starts_at,
        flags=form.flags(),
        **form.request_values(),
    )


@require_GET
@needs("exams.book")
def slots(request: StaffRequest, pk: int) -> HttpResponse:
    """The right half of the booking page, anew after every choice."""
    patient = visible(request, pk)
    form = BookingForm(request.GET)
    return render(request, "registration/_chooser.html", _context(request, form, patient))


def _context(request: StaffRequest, form: BookingForm, patient: Patient) -> dict[str, Any]:
    said = request.POST if request.method == "POST" else request.GET
    key = said.get("item", "")
    item = ExamItem.objects.filter(pk=int(key)).first() if key.isdecimal() else None
    emergency = said.get("priority") == str(int(Exam.Priority.EMERGENCY))
    chooser = Chooser(said, item=item, patient=patient, emergency=emergency)
    return {
        "form": form,
        "patient": patient,
        "identifiers": patient.identifiers.all(),
        "item": item,
        **chooser.context(
            request.actor,
            weight_kg=_weight(form),
            page_url=reverse("registration:book", args=[patient.pk]),
            chooser_url=reverse("registration:slots", args=[patient.pk]),
        ),
    }


def _weight(form: BookingForm) -> Decimal | None:
    """The weight typed so far, whether the rest of the form is complete or not."""
    if form.is_bound:
        form.is_valid()
        weight: Decimal | None = form.cleaned_data.get("weight_kg")
        return weight
    try:
        return Decimal(str(form.initial.get("weight_kg") or "")).quantize(Decimal("0.01"))
    except InvalidOperation:
        return None
