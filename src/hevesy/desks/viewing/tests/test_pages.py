"""Who may do what on the pages around the viewer."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from hevesy.records.archive.models import Study

pytestmark = pytest.mark.django_db


def test_who_may_not_keep_pictures_is_told_so_whatever_he_sends(client_of, a_physicist) -> None:
    study = Study.objects.create(study_instance_uid="1.2.3", last_received_at=timezone.now())
    tray = reverse("viewing:key_images", args=[study.study_instance_uid])

    assert client_of(a_physicist).post(tray).status_code == 403
    assert client_of(a_physicist).post(tray, {"view_state": "{"}).status_code == 403
