"""Images that cannot be shown: the viewer says why, in a sentence of the reader's language."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.accounts.models import User
from hevesy.foundation.jobs.running import drain
from hevesy.foundation.ui.testing import OpenPage, picture
from hevesy.records.archive import settling
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import PreparedVolume, Study
from hevesy.records.archive.testing import a_file

pytestmark = pytest.mark.browser


@pytest.fixture
def a_study_of_no_place(transactional_db: None, tmp_path, monkeypatch) -> Study:
    """A CT whose slices do not say where they lie."""
    monkeypatch.setattr(settling, "QUIET_S", 0.0)
    for number in range(4):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(
            a_file(
                SOPInstanceUID=f"2.25.88.{number + 1}",
                Modality="CT",
            )
        )
        receive(path, by=system_actor("a test", "archive.store"))
    drain()
    return Study.objects.get()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_reason_is_a_sentence_and_the_detail_waits_in_its_title(
    open_page: OpenPage, a_study_of_no_place: Study, a_doctor: User, language: str
) -> None:
    volume = PreparedVolume.objects.get()
    assert volume.state == "failed"
    page = open_page(
        f"/viewing/studies/{a_study_of_no_place.study_instance_uid}/", a_doctor, language=language
    )

    said = page.locator(".hvv-message span").first
    expect(said).to_have_attribute("title", volume.message)
    sentence = said.inner_text()
    picture(page, f"viewer-refused-{language}")
    assert sentence and ":" not in sentence
    assert sentence.isascii() == (language == "en")
