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
        "Say what keeps posts from going out, and exit with 1 when anything does. Tells people as the watching of "
        "workers, beat and web does, once all of them together; run it every minute for when none of these is left."
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
                self.stderr.write(f"Nobody could be told: {type(error).__name__}.")
                found |= {"watchdog": ""}
        if found:
            sys.exit(1)
