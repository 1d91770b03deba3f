"""``manage.py post_retry <id>...``: send failed posts again, now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from publishing.management.posts import OPERATOR, add_ids, each
from publishing.services import retry_post


class Command(BaseCommand):
    help = "Send failed posts again, now. What is refused is said per post, and the others are still tried."

    def add_arguments(self, parser: CommandParser) -> None:
        add_ids(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        each(self, options["posts"], lambda post: retry_post(post, by=OPERATOR), "scheduled to go out again now")
