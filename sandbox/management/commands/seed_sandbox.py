"""``manage.py seed_sandbox``: make the sandbox's accounts and applications."""

from typing import Any

from django.core.management.base import BaseCommand

from sandbox.seed import seed_demo


class Command(BaseCommand):
    help = "Make the sandbox's accounts and applications. Running it again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = seed_demo()
        self.stdout.write(f"The sandbox has {len(accounts)} accounts of the demonstration.")
