"""What publishing refuses, and why."""

from collections.abc import Sequence

from accounts.errors import Conflict, DomainError
from connections.platforms.base import Problem


class IllegalTransition(Conflict):
    """The post is not in a status from which this may happen: somebody else was quicker, or it makes no sense."""

    code = "illegal_transition"


class PostNotEditable(Conflict):
    code = "post_not_editable"


class InThePast(Conflict):
    code = "in_the_past"


class UndecidedOutcome(Conflict):
    """Nobody knows yet whether the post is out; a person must decide before anything else happens to it."""

    code = "outcome_unknown"


class PostHasProblems(DomainError):
    """What the platform would refuse; ``problems`` names each."""

    code = "post_has_problems"
    http_status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = [problem for problem in problems if problem.blocking]
        super().__init__(" ".join(problem.message for problem in self.problems))


class MediaInUse(Conflict):
    code = "media_in_use"


class LeaseLost(Exception):
    """Another worker took this post over while this one was slow. Nothing is wrong: stop quietly."""
