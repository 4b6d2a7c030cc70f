"""Why an object is refused or kept aside, in words for the person who looks at the list."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hevesy.foundation.accounts.actors import Refused

REASONS: dict[str, str | Promise] = {
    "not_dicom": _("This is not a DICOM object."),
    "truncated": _("The object ends before its contents do. Send it again."),
    "broken_nesting": _("The sequences inside the object are broken."),
    "broken_fragments": _("The compressed pixels are broken."),
    "broken_deflate": _("The compressed data set cannot be inflated."),
    "too_deep": _("Sequences are nested more deeply than any real object does."),
    "too_many_elements": _("The object has more elements than any real object does."),
    "too_large": _("The object is larger than the archive accepts."),
    "ambiguous": _("The object names itself twice, differently."),
    "missing_sop_class_uid": _("The object does not say what it is (SOP Class UID)."),
    "missing_sop_instance_uid": _("The object has no SOP Instance UID."),
    "missing_study_instance_uid": _("The object has no Study Instance UID."),
    "missing_series_instance_uid": _("The object has no Series Instance UID."),
    "invalid_sop_class_uid": _("The SOP Class UID is not a valid UID."),
    "invalid_sop_instance_uid": _("The SOP Instance UID is not a valid UID."),
    "invalid_study_instance_uid": _("The Study Instance UID is not a valid UID."),
    "invalid_series_instance_uid": _("The Series Instance UID is not a valid UID."),
    "invalid_transfer_syntax_uid": _("The transfer syntax is not a valid UID."),
    "other_sop_instance": _("The sender announced another SOP Instance UID than the object has."),
    "other_sop_class": _("The sender announced another SOP Class than the object has."),
    "same_uid_other_content": _(
        "An object with this UID but other content is in the archive already; the first one was kept."
    ),
    "series_in_other_study": _("Its series belongs to another study in the archive."),
    "disk_full": _("The storage is full. Make room, then send again."),
    "disk_error": _("The storage could not be written. Call the system administrator."),
    "object_lost": _(
        "The stored object is gone. Restore it from a backup, or let the device send it again."
    ),
    "object_changed": _(
        "The stored object is no longer what was stored. Restore it from a backup, or let the device send it again."
    ),
    "unreadable": _("The object cannot be read."),
}


def reason_text(reason: str) -> str:
    """The sentence for a reason key, in the language of the request."""
    return str(REASONS.get(reason, reason))


class ObjectRefused(Refused):
    """An object was not taken in. `reason` is a key of `REASONS`."""

    status = 422

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason_text(reason))


class StorageExhausted(ObjectRefused):
    """The storage cannot take the object now; the sender should try again later."""

    status = 507
