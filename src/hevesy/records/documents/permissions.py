"""Who may read stored paper by its number; the owner of reports decides over theirs."""

from __future__ import annotations

from django.http import HttpRequest

from hevesy.foundation.files.models import StoredFile


def may_read_paper(request: HttpRequest, stored: StoredFile) -> bool:
    """Slips and labels are for those who print them."""
    user = request.user
    return user.is_authenticated and user.may("documents.print")
