"""People who may do something here, the site's roles, and their sessions and tokens (clauses 1.7, 6.25, 10.12)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.Model):
    """A role of this site: a named set of permission codes, seeded from the declared defaults."""

    key = models.SlugField(unique=True)
    name_zh = models.CharField(max_length=40)
    name_en = models.CharField(max_length=60)
    permissions = models.JSONField(default=list)
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


class UserQuerySet(BaseUserManager["User"]):
    """Looks a user up by its login name."""


class User(AbstractBaseUser):
    """A person with an account. Rights come from roles alone: there is no superuser."""

    username = models.CharField(max_length=60, unique=True)
    name_zh = models.CharField(_("name"), max_length=60)
    name_latin = models.CharField(max_length=80, blank=True)
    title = models.CharField(max_length=40, blank=True)
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    roles = models.ManyToManyField(Role, related_name="users")
    preferences = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name_zh"]
    objects: ClassVar[Any] = UserQuerySet()

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
