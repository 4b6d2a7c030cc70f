"""The gallery in a real browser: nothing breaks, everybody can read it, every part does what it is for."""

from __future__ import annotations

import pytest

from hevesy.foundation.accounts.models import User
from hevesy.foundation.ui.testing import OpenPage, check_accessibility, picture

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_gallery_is_accessible_in_both_themes(
    open_page: OpenPage, a_technologist: User, theme: str
) -> None:
    page = open_page("/ui/", a_technologist, theme=theme)

    check_accessibility(page)
    picture(page, f"ui-gallery-{theme}", whole=True)
