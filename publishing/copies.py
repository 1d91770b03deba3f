"""A post again, as a draft."""

from accounts.models import User
from connections.errors import ConnectionInactive
from publishing.drafts import input_of
from publishing.models import SocialPost
from publishing.services import create_post


def duplicate_post(post: SocialPost, *, by: User) -> SocialPost:
    """A DRAFT of its own with the same text, link, pictures and campaign, for the same account and without a time.

    Raises ConnectionInactive when the account is no longer connected.
    """
    if post.connection.disconnected_at is not None:
        raise ConnectionInactive(f"{post.connection.account_name} is no longer connected.")
    return create_post(post.connection, input_of(post), by=by)
