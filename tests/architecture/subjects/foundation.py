"""People, stations, files and papers."""

from __future__ import annotations

from hevesy.foundation.accounts.testing import cast_member
from tests.architecture.clinic import Clinic
from tests.architecture.subjects.registry import subject


@subject("accounts:*.pk")
def _a_person(clinic: Clinic) -> int:
    return int(cast_member("another_chief").pk)


@subject("accounts:*.session_pk", "accounts:end_session.pk")
def _a_session(clinic: Clinic) -> int:
    """Another person's session: nobody ends it from their own profile."""
    from hevesy.foundation.accounts.models import LoginSession

    session, _made = LoginSession.objects.get_or_create(
        key_hash="walk", user=cast_member("another_chief")
    )
    return int(session.pk)


@subject("accounts:prefer.name")
def _a_preference(clinic: Clinic) -> str:
    return "language"


@subject("accounts:role.key")
def _a_role(clinic: Clinic) -> str:
    return "nurse"


@subject("accounts:revoke_token.pk")
def _a_token(clinic: Clinic) -> int:
    from hevesy.foundation.accounts.models import ApiToken

    person = cast_member("another_chief")
    token = ApiToken.objects.create(user=person, name="walk", hint="hv_walk", token_hash="walk")
    return int(token.pk)


@subject("accounts:join.code", "stations:claim.code")
def _a_code(clinic: Clinic) -> str:
    return "no-such-code"


@subject("stations:*.pk")
def _a_station(clinic: Clinic) -> int:
    from hevesy.foundation.stations.models import Station

    return int(Station.objects.create(code="walk", name="走廊", kind="pc").pk)


@subject("files:serve.pk")
def _a_stored_file(clinic: Clinic) -> int:
    """A file of a kind without a rule: closed to everybody. The owners of kinds test theirs."""
    from hevesy.foundation.files.actions import store_file

    stored = store_file(
        b"walk", name="walk.txt", media_type="text/plain", kind="walk", by=clinic.anybody
    )
    return int(stored.pk)


@subject("jobs:*.pk")
def _a_job(clinic: Clinic) -> int:
    return int(clinic.job.pk)


@subject("documents:*.pk")
def _a_document(clinic: Clinic) -> int:
    return int(clinic.document.pk)


@subject("documents:*.number")
def _an_exam_to_print(clinic: Clinic) -> str:
    return str(clinic.exam.number)


@subject("documents:dose_label.code")
def _a_dose_to_print(clinic: Clinic) -> str:
    return str(clinic.unit.code)
