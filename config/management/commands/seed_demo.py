"""``manage.py seed_demo``: fill the installation with the demonstration."""

from typing import Any

from django.core.management.base import BaseCommand

from config.demo import fill
from config.demo.content import CLUBS, PASSWORD


class Command(BaseCommand):
    help = "Fill the installation with the two demo clubs. Needs SANDBOX=1 and the web process running. Running it again adds only what is missing."

    def handle(self, *args: Any, **options: Any) -> None:
        left_out = fill()
        for club in CLUBS:
            people = ", ".join(person.email for person in club.people)
            self.stdout.write(f"{club.name}: {people} (password: {PASSWORD})")
        for sentence in left_out:
            self.stdout.write(f"Left out: {sentence}")
