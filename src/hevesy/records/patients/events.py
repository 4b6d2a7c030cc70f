"""Past-tense events of patient records, sent after commit."""

from __future__ import annotations

from django.dispatch import Signal

patient_registered = Signal()
"""`patient`"""
patient_corrected = Signal()
"""`patient`, `changed`: names of the fields; headers of stored images follow (clause 1.8)."""
patients_merged = Signal()
"""`survivor`, `alias`"""
patients_unmerged = Signal()
"""`survivor`, `alias`"""
