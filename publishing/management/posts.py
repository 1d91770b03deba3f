"""What the commands over posts share: ids in, one line per post out, an exit code that tells of refusals."""

from collections.abc import Callable, Sequence
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.audit import SystemActor
from accounts.errors import DomainError
from publishing.models import SocialPost

OPERATOR = SystemActor("operator, by command line")


def add_ids(parser: CommandParser) -> None:
    parser.add_argument(
        "posts", nargs="+", type=UUID, metavar="POST_ID", help="id of a post, as in the table SocialPost"
    )


def each(command: BaseCommand, ids: Sequence[UUID], call: Callable[[SocialPost], object], done: str) -> None:
    """Do it to each post and say what came of it. Raises CommandError at the end when any was refused."""
    rows = SocialPost.objects.select_related("connection", "organization").in_bulk(list(ids))
    refused = 0
    for post_id in ids:
        if (post := rows.get(post_id)) is None:
            refused += 1
            command.stderr.write(f"{post_id}: there is no such post")
            continue
        try:
            result = call(post)
        except DomainError as error:
            refused += 1
            command.stderr.write(f"{post_id}: {error}")
        else:
            command.stdout.write(f"{post_id}: {result if isinstance(result, str) else done}")
    if refused:
        raise CommandError(f"{refused} of {len(ids)} posts were left as they are.")
