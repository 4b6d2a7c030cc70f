"""What the archive tells others, after commit. Receivers enqueue a job for anything that takes time."""

from django.dispatch import Signal

study_settled = Signal()
"""`study`: no object came for the quiet time and the counters are true. Sent again when more objects came later."""

study_linked = Signal()
"""`study`, `exam`: images and examination belong together, automatically or by a person."""

study_unlinked = Signal()
"""`study`, `exam`: a person took the images from the examination."""
