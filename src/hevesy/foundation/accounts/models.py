"""People who may do something here, the site's roles, sessions and tokens (clauses 1.7, 6.25, 10.1, 10.12)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from hevesy.foundation.stations.models import Station


class Role(models.Model):
    """A role of this site: a named set of permission codes, seeded from the declared defaults."""

    key = models.SlugField(unique=True)
    name_zh = models.CharField(max_length=40)
    name_en = models.CharField(max_length=60)
    permissions = models.JSONField(default=list)
    delivered_permissions = models.JSONField(
        default=list,
        help_text="What was delivered at the last seeding: an upgrade applies only the difference.",
    )
    idle_minutes = models.PositiveSmallIntegerField(default=30)
    exclusive_group = models.CharField(
        max_length=20,
        blank=True,
        help_text="Nobody may hold two roles of one group (system, security and audit administrator).",
    )

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name_zh

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return self.name_en if (get_language() or "zh").startswith("en") else self.name_zh


class UserQuerySet(BaseUserManager["User"]):
    """Looks a user up by its login name."""


class User(AbstractBaseUser):
    """A person with an account. Rights come from roles alone: there is no superuser."""

    username = models.CharField(_("login name"), max_length=60, unique=True)
    name_zh = models.CharField(_("name"), max_length=60)
    name_latin = models.CharField(_("name in Latin letters"), max_length=80, blank=True)
    title = models.CharField(pgettext_lazy("person", "title"), max_length=40, blank=True)
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    password_changed_at = models.DateTimeField(default=timezone.now)
    is_demo = models.BooleanField(
        default=False, help_text="Made by the demo with its public password: loopback only."
    )
    roles = models.ManyToManyField(Role, related_name="users", through="RoleHolding")
    preferences = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name_zh"]
    objects = UserQuerySet()

    def __str__(self) -> str:
        return self.name_zh

    def permission_codes(self) -> frozenset[str]:
        """Every permission code that the user's roles grant; read once per object."""
        if not hasattr(self, "_permission_codes"):
            codes = {code for role in self.roles.all() for code in role.permissions}
            self._permission_codes = frozenset(codes) if self.is_active else frozenset()
        return self._permission_codes

    def may(self, code: str) -> bool:
        """Whether one of the user's roles grants the permission `code`."""
        return code in self.permission_codes()


class RoleHolding(models.Model):
    """A user holds a role. The group is copied by a database trigger, so that the constraint below can judge it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    role = models.ForeignKey(Role, on_delete=models.PROTECT)
    exclusive_group = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "role"], name="accounts_role_once"),
            models.UniqueConstraint(
                fields=["user", "exclusive_group"],
                condition=~Q(exclusive_group=""),
                name="accounts_one_role_per_exclusive_group",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}:{self.role_id}"


class PastPassword(models.Model):
    """A password that was used before, hashed, so that it is not used again soon."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="past_passwords")
    password = models.CharField(max_length=128)
    replaced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-replaced_at", "-id"]

    def __str__(self) -> str:
        return f"{self.user_id} until {self.replaced_at:%Y-%m-%d}"


class LoginSession(models.Model):
    """A person logged in at a workstation or on a paired phone, from when to when, and why it ended (clause 10.1)."""

    class Kind(models.TextChoices):
        WORKSTATION = "workstation", _("workstation")
        PHONE = "phone", _("paired phone")

    class End(models.TextChoices):
        LOGOUT = "logout", _("logged out")
        DISPLACED = "displaced", _("logged in elsewhere")
        IDLE = "idle", _("nobody used it")
        EXPIRED = "expired", _("longest time reached")
        PASSWORD = "password", _("password changed")
        RIGHTS = "rights", _("roles changed")
        INACTIVE = "inactive", _("account closed")
        CLOSED = "closed", _("ended by hand")
        WORKSTATION = "workstation", _("workstation logged out")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="login_sessions")
    key_hash = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.WORKSTATION)
    paired_with = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, related_name="phones"
    )
    station = models.ForeignKey(Station, on_delete=models.SET_NULL, null=True)
    address = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=12, choices=End, blank=True)
    ended_from = models.CharField(
        max_length=120, blank=True, help_text="Station or address of the login that displaced it."
    )

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(kind="workstation", ended_at__isnull=True),
                name="accounts_one_workstation_per_person",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end_reason="")
                | (Q(ended_at__isnull=False) & ~Q(end_reason="")),
                name="accounts_ended_session_has_a_reason",
            ),
        ]
        indexes = [models.Index(fields=["user", "ended_at"], name="accounts_session_live")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.kind} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def where(self) -> str:
        """The station's name, else the network address."""
        return self.station.name if self.station else (self.address or "")


class PairingCode(models.Model):
    """A one-time code, shown as QR on a workstation, with which the same person's phone joins."""

    session = models.ForeignKey(LoginSession, on_delete=models.CASCADE)
    code_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"for session {self.session_id}"


class ApiToken(models.Model):
    """A program's key to one user's rights. Only its hash is kept; the text is shown once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(_("purpose"), max_length=60)
    hint = models.CharField(max_length=12, help_text="First characters, to tell tokens apart.")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by_name = models.CharField(max_length=80, blank=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_address = models.GenericIPAddressField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"
