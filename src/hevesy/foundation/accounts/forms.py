"""Forms of login, passwords, people, roles and tokens: they parse; the actions judge."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from hevesy.foundation.accounts.actions import login_name
from hevesy.foundation.accounts.models import Role, User


class LoginForm(AuthenticationForm):
    """Login name and password; one message for every reason to refuse."""

    error_messages = {
        "invalid_login": _("Login name or password is wrong, or the account is closed."),
        "inactive": _("Login name or password is wrong, or the account is closed."),
    }

    def clean_username(self) -> str:
        """Fold the name as accounts store it, so that NURSE and full-width ｎｕｒｓｅ are nurse."""
        return login_name(self.cleaned_data["username"])


class NewPasswordForm(forms.Form):
    """The present password and the new one twice."""

    present = forms.CharField(label=_("Present password"), strip=False)
    new = forms.CharField(label=_("New password"), strip=False)
    again = forms.CharField(label=_("New password again"), strip=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        for name in ("present", "new", "again"):
            self.fields[name].widget = forms.PasswordInput(
                attrs={"autocomplete": "current-password" if name == "present" else "new-password"}
            )

    def clean_present(self) -> str:
        """The present password must be right."""
        present: str = self.cleaned_data["present"]
        if not self.user.check_password(present):
            raise forms.ValidationError(_("The present password is wrong."))
        return present

    def clean(self) -> dict[str, Any] | None:
        """Both entries of the new password must agree."""
        cleaned = super().clean()
        if cleaned and cleaned.get("new") != cleaned.get("again"):
            self.add_error("again", _("The two entries differ."))
        return cleaned


class FirstAdministratorForm(forms.Form):
    """The code from the console, and the first security administrator."""

    code = forms.CharField(label=_("Code shown on the console"))
    username = forms.CharField(label=_("Login name"), max_length=60)
    name_zh = forms.CharField(label=_("Name"), max_length=60)
    password = forms.CharField(label=_("Password"), strip=False, widget=forms.PasswordInput)


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    """Names and title of an account."""

    class Meta:
        model = User
        fields = ("name_zh", "name_latin", "title")


class NewPersonForm(PersonForm):
    """A new account with its roles."""

    # Not a model field here: a taken name is the action's refusal, with its own sentence.
    username = forms.CharField(label=_("Login name"), max_length=60)
    roles = forms.ModelMultipleChoiceField(
        label=_("Roles"),
        queryset=Role.objects.all(),
        to_field_name="key",
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ("username", "name_zh", "name_latin", "title", "roles")


class RolesForm(forms.Form):
    """The roles that a person holds."""

    roles = forms.ModelMultipleChoiceField(
        label=_("Roles"),
        queryset=Role.objects.all(),
        to_field_name="key",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


class RoleForm(forms.Form):
    """What a role may do, and how long its sessions may lie unused."""

    idle_minutes = forms.IntegerField(label=_("Log out after idle minutes"))
    permissions = forms.MultipleChoiceField(label=_("Rights"), required=False)

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["permissions"].choices = choices  # type: ignore[attr-defined]


class TokenForm(forms.Form):
    """A token for a program: whose rights, what for, how long."""

    user = forms.ModelChoiceField(
        label=_("With the rights of"),
        queryset=User.objects.filter(is_active=True),
        to_field_name="username",
    )
    name = forms.CharField(label=_("Purpose"), max_length=60)
    expires_on = forms.DateField(
        label=_("Valid until"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
