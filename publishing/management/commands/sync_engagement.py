"""``manage.py sync_engagement <id>...``: read the counts of published posts now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from publishing.engagement import sync_post_engagement
from publishing.management.posts import OPERATOR, add_ids, each
from publishing.models import SocialPost


class Command(BaseCommand):
    help = "Read likes, comments, shares, reach, impressions and clicks of published posts from their platforms, now."

    def add_arguments(self, parser: CommandParser) -> None:
        add_ids(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        def sync(post: SocialPost) -> str:
            row = sync_post_engagement(post, by=OPERATOR)
            return f"{row.likes} likes, {row.comments} comments, {row.shares} shares"

        each(self, options["posts"], sync, "synced")
