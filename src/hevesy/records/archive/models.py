"""Studies, series, instances, prepared volumes, and how objects are kept (clauses 1.2, 1.3, 1.8; design §2.4)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from hevesy.records.archive.refusals import reason_text
from hevesy.records.exams.models import Exam, ExamStep


class Study(models.Model):
    """What a device sent. `exam` is empty while it matches nothing: it is kept and shown, never lost."""

    class Match(models.TextChoices):
        UNMATCHED = "unmatched", _("unmatched")
        AUTOMATIC = "automatic", _("matched automatically")
        MANUAL = "manual", _("linked by a person")

    study_instance_uid = models.CharField(max_length=64, unique=True)
    exam = models.ForeignKey(Exam, null=True, on_delete=models.PROTECT, related_name="studies")
    match = models.CharField(max_length=10, choices=Match, default=Match.UNMATCHED, db_index=True)
    mismatch = models.JSONField(
        default=list, help_text="what spoke against a match, for the person who decides"
    )
    patient_id = models.CharField(max_length=64, blank=True, db_index=True)
    patient_name = models.CharField(max_length=200, blank=True)
    patient_sex = models.CharField(max_length=16, blank=True)
    patient_birth_date = models.CharField(max_length=10, blank=True)
    accession_number = models.CharField(max_length=16, blank=True, db_index=True)
    study_date = models.CharField(max_length=8, blank=True, db_index=True)
    study_time = models.CharField(max_length=14, blank=True)
    study_id = models.CharField(max_length=16, blank=True)
    description = models.CharField(max_length=64, blank=True)
    referring_physician = models.CharField(max_length=200, blank=True)
    received_from = models.CharField(
        max_length=16, blank=True, help_text="AE title that sent its first object"
    )
    modalities = models.JSONField(default=list)
    series_count = models.PositiveIntegerField(default=0)
    instance_count = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    received_at = models.DateTimeField(auto_now_add=True)
    last_received_at = models.DateTimeField(db_index=True)
    stable_at = models.DateTimeField(
        null=True,
        db_index=True,
        help_text="when it was last found quiet and counted; empty while objects come in",
    )

    def __str__(self) -> str:
        return self.study_instance_uid


class Series(models.Model):
    """One series, with what its headers know about drug and correction (clause 1.8)."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="series")
    series_instance_uid = models.CharField(max_length=64, unique=True)
    modality = models.CharField(max_length=16, db_index=True)
    number = models.IntegerField(null=True)
    description = models.CharField(max_length=64, blank=True)
    frame_of_reference_uid = models.CharField(max_length=64, blank=True)
    instance_count = models.PositiveIntegerField(default=0)
    header = models.JSONField(
        default=dict, help_text="radiopharmaceutical, corrections, reconstruction, scanner"
    )


class Instance(models.Model):
    """One stored object. `path` was chosen by us; it is stored, never derived from what was received."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="instances")
    sop_instance_uid = models.CharField(max_length=64, unique=True)
    sop_class_uid = models.CharField(max_length=64)
    transfer_syntax_uid = models.CharField(max_length=64)
    number = models.IntegerField(null=True)
    rows = models.PositiveIntegerField(null=True)
    columns = models.PositiveIntegerField(null=True)
    frames = models.PositiveIntegerField(default=1)
    hindrance = models.CharField(
        max_length=40, blank=True, help_text="why its pixels must not be opened; empty: they may"
    )
    path = models.CharField(max_length=200)
    sha256 = models.CharField(
        max_length=64, help_text="of the data set as received, without group 0002"
    )
    size = models.BigIntegerField(help_text="bytes of the file that a reader gets")
    data_set_offset = models.PositiveIntegerField(
        help_text="where the received data set begins in that file"
    )
    form = models.CharField(
        max_length=12,
        blank=True,
        help_text="how it lies under `path`: empty: as received, not looked at yet; `received`: as received for good;"
        " else the codec it is packed with (`dicomio.stored`), and only `stored.py` reads it",
    )
    packed_size = models.BigIntegerField(
        null=True, help_text="bytes under `path` if it is packed, else empty"
    )
    received_from = models.CharField(max_length=16, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["series"], condition=models.Q(form=""), name="archive_not_looked_at"
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(form__in=("", "received"), packed_size=None)
                | (~models.Q(form__in=("", "received")) & models.Q(packed_size__gt=0)),
                name="archive_packed_has_size",
            )
        ]

    def __str__(self) -> str:
        return self.sop_instance_uid

    @property
    def is_packed(self) -> bool:
        """Whether what lies under `path` must be unpacked to be what was received."""
        return self.packed_size is not None


class CompressionPolicy(models.Model):
    """What the site decided for a modality; where it decided nothing `compression.DEFAULTS` holds."""

    class Kind(models.TextChoices):
        ORIGINAL = "original", _("images of devices")
        RESULT = "result", _("results and documents")

    class Codec(models.TextChoices):
        NONE = "none", _("not compressed")
        JPEG_LS = "jpeg-ls", "JPEG-LS"
        JPEG_2000 = "jpeg-2000", "JPEG 2000"
        HTJ2K = "htj2k", "HTJ2K"
        RLE = "rle", "RLE"
        DEFLATE = "deflate", "Deflate"

    modality = models.CharField(max_length=16, blank=True, help_text="empty: all others")
    kind = models.CharField(max_length=10, choices=Kind)
    codec = models.CharField(max_length=12, choices=Codec)
    after_hours = models.PositiveIntegerField(
        default=24, help_text="hours after the study went quiet"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["modality", "kind"], name="archive_one_policy_each"),
            models.CheckConstraint(
                condition=models.Q(
                    codec__in=("none", "jpeg-ls", "jpeg-2000", "htj2k", "rle", "deflate")
                ),
                name="archive_known_codec",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.modality or '*'} {self.kind}: {self.codec}"


class RetiredObject(models.Model):
    """The received form of an object that is packed now: removed by a later job, after one more proof."""

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="retired")
    path = models.CharField(max_length=200, db_index=True)
    retired_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.path


class Scrub(models.Model):
    """One round through all stored objects that reads every byte again; `position` is the last instance read."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    position = models.BigIntegerField(default=0)
    objects_read = models.BigIntegerField(default=0)
    bytes_read = models.BigIntegerField(default=0)
    damaged = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(finished_at=None),
                name="archive_one_scrub_at_a_time",
            )
        ]


class Refusal(models.Model):
    """An object for a person to look at: same UID with other content (quarantined), refused with a reason, or found
    damaged in the store."""

    class Kind(models.TextChoices):
        CONFLICT = "conflict", _("same UID, other content")
        REFUSED = "refused", _("refused")
        DAMAGED = "damaged", _("damaged in the storage")

    kind = models.CharField(max_length=12, choices=Kind)
    sop_instance_uid = models.CharField(max_length=64, blank=True, db_index=True)
    instance = models.ForeignKey(Instance, null=True, on_delete=models.SET_NULL)
    path = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=60, help_text="a key of refusals.REASONS")
    received_from = models.CharField(max_length=16, blank=True)
    at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True)

    @property
    def sentence(self) -> str:
        """The reason in words, in the language of the request."""
        return reason_text(self.reason)


class PerformedStep(models.Model):
    """What a device says it did (MPPS, PS3.4 F.7). `steps` is empty when it did something nobody scheduled."""

    class State(models.TextChoices):
        IN_PROGRESS = "IN PROGRESS", _("in progress")
        COMPLETED = "COMPLETED", _("completed")
        DISCONTINUED = "DISCONTINUED", _("discontinued")

    sop_instance_uid = models.CharField(max_length=64, unique=True)
    steps = models.ManyToManyField(
        ExamStep, related_name="performed", help_text="one acquisition may fulfil several"
    )
    state = models.CharField(max_length=12, choices=State, default=State.IN_PROGRESS)
    performed_step_id = models.CharField(max_length=16, blank=True)
    modality = models.CharField(max_length=16, blank=True)
    station_ae_title = models.CharField(max_length=16, blank=True)
    received_from = models.CharField(max_length=16)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    attributes = models.JSONField(
        default=dict, help_text="the data set as DICOM JSON (PS3.18 F), later values over earlier"
    )
    note = models.CharField(
        max_length=60, blank=True, help_text="why the examination was not moved; empty: it was"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.sop_instance_uid


class PreparedVolume(models.Model):
    """A series as one header and int16 bodies, ready for the viewer; addressed by the hash of its content."""

    class State(models.TextChoices):
        PREPARING = "preparing", _("preparing")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    series = models.OneToOneField(Series, on_delete=models.CASCADE, related_name="volume")
    content_id = models.CharField(max_length=64, blank=True, db_index=True)
    state = models.CharField(max_length=10, choices=State, default=State.PREPARING)
    progress = models.FloatField(default=0)
    message = models.CharField(max_length=300, blank=True)
    header = models.JSONField(default=dict)
    made_at = models.DateTimeField(null=True)
