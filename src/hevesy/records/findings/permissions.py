"""Who may read a key image by the number of its file; published ones have an address of their own."""

from __future__ import annotations

from django.http import HttpRequest

from hevesy.foundation.files.models import StoredFile


def may_read_picture(request: HttpRequest, stored: StoredFile) -> bool:
    """Whoever may open the images may see what was captured from them."""
    user = request.user
    return user.is_authenticated and user.may("archive.view")
