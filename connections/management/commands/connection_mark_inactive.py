"""``manage.py connection_mark_inactive <id>``: what the runbook does by SQL, with the notices and the audit event."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.audit import SystemActor
from connections.errors import InvalidToken
from connections.models import SocialConnection
from connections.services import mark_inactive


class Command(BaseCommand):
    help = "Mark a connection inactive until it is reconnected. Its scheduled posts wait, and its admins are told."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=UUID)
        parser.add_argument("--message", default="Token expired - reauthentication required")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = SocialConnection.objects.filter(pk=options["id"]).select_related("organization").first()
        if connection is None:
            raise CommandError(f"There is no connection {options['id']}.")
        by = SystemActor("manage.py connection_mark_inactive")
        changed = mark_inactive(connection, code=InvalidToken.code, message=options["message"], by=by)
        self.stdout.write(f"{connection} is inactive now." if changed else f"{connection} was inactive already.")
