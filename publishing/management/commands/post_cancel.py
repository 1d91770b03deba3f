"""``manage.py post_cancel <id>...``: call waiting posts off."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from publishing.management.posts import OPERATOR, add_ids, each
from publishing.services import cancel_post


class Command(BaseCommand):
    help = "Cancel posts that are not out yet. They keep their text."

    def add_arguments(self, parser: CommandParser) -> None:
        add_ids(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        each(self, options["posts"], lambda post: cancel_post(post, by=OPERATOR), "cancelled")
