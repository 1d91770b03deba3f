"""A post again, as a draft."""

from dataclasses import replace

from accounts.models import User
from connections.errors import ConnectionInactive
from connections.models import SocialConnection
from publishing.drafts import PostInput, input_of
from publishing.models import SocialPost
from publishing.services import create_post


def content_for(post: SocialPost, connection: SocialConnection) -> PostInput:
    """What a post says, for this or another account: options of one platform mean nothing to another."""
    said = input_of(post)
    return said if connection.platform == post.connection.platform else replace(said, options={})


def duplicate_post(post: SocialPost, *, by: User, connection: SocialConnection | None = None) -> SocialPost:
    """A DRAFT of its own with the same text, link, images and campaign, without a time: for the same account, or for
    another one of the organization.

    Raises ConnectionInactive when the account is no longer connected.
    """
    target = connection or post.connection
    if target.disconnected_at is not None:
        raise ConnectionInactive(f"{target.account_name} is no longer connected. Choose another social account.")
    return create_post(target, content_for(post, target), by=by)
