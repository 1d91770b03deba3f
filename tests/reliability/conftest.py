"""The same club's account and server as in the tests of publishing."""

from tests.publishing.conftest import account, claimed_post, due_post, server

__all__ = ["account", "claimed_post", "due_post", "server"]
