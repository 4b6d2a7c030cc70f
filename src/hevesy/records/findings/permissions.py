"""Who may read key images and label maps by the number of their file; what is published has another address."""

from __future__ import annotations

from django.http import HttpRequest

from hevesy.foundation.files.models import StoredFile


def may_read_picture(request: HttpRequest, stored: StoredFile) -> bool:
    """Whoever may open the images may see what was captured or computed from them."""
    user = request.user
    return user.is_authenticated and user.may("archive.view")
