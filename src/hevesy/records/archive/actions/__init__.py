"""Writers of the archive, beside `archive.ingest` and `archive.settling`."""

from hevesy.records.archive.actions.performed import create_performed, update_performed
from hevesy.records.archive.actions.studies import link_study, settle_refusal, unlink_study

__all__ = [
    "create_performed",
    "link_study",
    "settle_refusal",
    "unlink_study",
    "update_performed",
]
