"""What others may react to, sent after commit."""

from __future__ import annotations

from django.dispatch import Signal

batch_released = Signal()
"""batch: Batch"""
batch_recalled = Signal()
"""batch: Batch, reason: str"""
dose_administered = Signal()
"""administration: Administration"""
dose_changed = Signal()
"""administration: Administration. Residual recorded or times corrected: SUV must be computed anew."""
