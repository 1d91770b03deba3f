"""``manage.py refresh_tokens [id ...]``: renew what is due, or the named connections now."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.audit import SystemActor
from accounts.errors import DomainError
from connections.models import SocialConnection
from connections.tokens import refresh_connection, refresh_due_tokens


class Command(BaseCommand):
    help = "Renew the tokens that are due, as the job does every minute; with ids, those now, due or not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", type=UUID, metavar="id")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["ids"]:
            self.stdout.write(f"{refresh_due_tokens()} renewed.")
            return
        by, failed = SystemActor("manage.py refresh_tokens"), 0
        for key in options["ids"]:
            connection = SocialConnection.objects.filter(pk=key).first()
            try:
                if connection is None:
                    raise CommandError(f"There is no connection {key}.")
                refresh_connection(connection, by=by)
                self.stdout.write(f"{connection}: renewed")
            except (DomainError, CommandError) as error:
                failed += 1
                self.stderr.write(f"{connection or key}: {error}")
        if failed:
            raise CommandError(f"{failed} not renewed.")
