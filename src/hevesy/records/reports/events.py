"""Told after commit: what other desks may react to."""

from django.dispatch import Signal

report_submitted = Signal()
report_audited = Signal()
report_published = Signal()
report_withdrawn = Signal()
