"""`hevesy token create|list|revoke`: tokens with which programs act for a user."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.accounts.models import ApiToken, User
from hevesy.foundation.accounts.tokens import issue_token, revoke_token


class Command(BaseCommand):
    help = "Issue, list and revoke tokens (Authorization: Bearer) with the rights of a user."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="issue a token; its text is printed once")
        create.add_argument("user", help="login name whose rights the token has")
        create.add_argument("--name", default="", help="what it is for")
        create.add_argument("--days", type=int, help="days until it ends (default: no end)")
        verbs.add_parser("list", help="list tokens")
        revoke = verbs.add_parser("revoke", help="end a token")
        revoke.add_argument("id", type=int, help="number shown by list")

    def handle(self, *args: Any, **options: Any) -> None:
        by = system_actor("console", "tokens.manage", channel="command")
        if options["verb"] == "create":
            user = User.objects.filter(username=options["user"], is_active=True).first()
            if user is None:
                raise CommandError(f"no active account {options['user']!r}")
            days = options["days"]
            expires_at = timezone.now() + timedelta(days=days) if days else None
            self.stdout.write(issue_token(user, by=by, name=options["name"], expires_at=expires_at))
        elif options["verb"] == "revoke":
            token = ApiToken.objects.filter(pk=options["id"]).first()
            if token is None:
                raise CommandError(f"no token {options['id']}")
            revoke_token(token, by=by)
            self.stdout.write(f"{token.pk} {token.name}: revoked")
        else:
            for token in ApiToken.objects.select_related("user"):
                state = "revoked" if token.revoked_at else "live"
                used = f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never"
                self.stdout.write(
                    f"{token.pk}\t{token.hint}…\t{token.user.username}\t{token.name}\t{state}\tused {used}"
                )
