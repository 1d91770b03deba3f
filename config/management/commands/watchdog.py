"""``manage.py watchdog``: look from outside, for cron or a systemd timer, each minute."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError
from django.utils import timezone

from config.health import problems
from config.watchdog import look_and_tell, send_owed_mails


class Command(BaseCommand):
    help = (
        "Print what keeps posts from being published, and exit with 1 if anything does. Notifies people once per "
        "incident, as workers, beat and web do; run it every minute in case all of those are down."
    )
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        found = problems()
        for sentence in found.values():
            self.stdout.write(sentence)
        if "database" not in found:
            try:
                look_and_tell(timezone.now())
                send_owed_mails(timezone.now())
            except DatabaseError as error:
                self.stderr.write(f"Could not notify anyone: {type(error).__name__}.")
                found |= {"watchdog": ""}
        if found:
            sys.exit(1)
