"""Reading what is published, and remembering who read it (clauses 7.1, 7.2)."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.foundation.files.models import StoredFile
from hevesy.records.reports.models import Publication, PublicationView


def note_view(
    by: Actor,
    publication: Publication,
    form: PublicationView.Form = PublicationView.Form.PAGE,
    *,
    outcome: str = "ok",
) -> None:
    """Write down that somebody read a publication: for the department's list, and in the audit trail.

    With another `outcome` nothing of it was shown: that is for the audit trail alone.
    """
    with transaction.atomic():
        if by.user is not None and outcome == "ok":
            PublicationView.objects.create(publication=publication, user=by.user, form=form)
        record(
            by,
            "report.view",
            publication.report,
            patient_id=publication.report.exam.patient_id,
            outcome=outcome,
            version=publication.version.number,
            form=str(form),
        )


def may_read_file(request: HttpRequest, stored: StoredFile) -> bool:
    """Whether this person may read the PDF of a report: the department always, others while it is published."""
    user = request.user
    if not user.is_authenticated:
        return False
    if user.may("reports.view"):
        return True
    published = Publication.objects.filter(withdrawn_at=None, document__file=stored)
    return user.may("publishing.read") and published.exists()
