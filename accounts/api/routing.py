"""How routes are made."""

from rest_framework.routers import SimpleRouter


def make_router() -> SimpleRouter:
    """Routes without a slash at the end, whose ids are checked by the route itself."""
    return SimpleRouter(trailing_slash=False, use_regex_path=False)
