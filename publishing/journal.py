"""What an attempt has done, as rows: each call is written down before it is made and completed after it answered."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from connections.errors import OutcomeUnknown, PlatformError
from connections.platforms.base import Json
from publishing.errors import LeaseLost
from publishing.models import PostStatus, PublishAttempt, PublishStep, SocialPost

log = structlog.get_logger(__name__)


def lease() -> timedelta:
    """How long a worker that says nothing counts as alive."""
    return timedelta(seconds=settings.PUBLISH_LEASE_S)


class AttemptJournal:
    """The ``Journal`` of one attempt: each step is a row, committed before its call is made and after it answered."""

    def __init__(self, attempt: PublishAttempt, holder: str) -> None:
        self.attempt = attempt
        self.holder = holder
        self.steps: dict[str, PublishStep] | None = {} if attempt.is_new else None

    def once(self, name: str, call: Callable[[], Json]) -> Json:
        return self._run(name, call, is_public=True)

    def again(self, name: str, call: Callable[[], Json]) -> Json:
        return self._run(name, call, is_public=False)

    def _run(self, name: str, call: Callable[[], Json], *, is_public: bool) -> Json:
        step = self.begun().get(name)
        if step is not None and step.finished_at is not None:
            result: Json = step.result
            return result
        if step is not None and step.is_public and not step.error:
            raise OutcomeUnknown("An earlier try was cut off while it was sending.")
        step = self._begin(step, name, is_public=is_public)
        try:
            result = call()
        except OutcomeUnknown:
            raise  # begun and not finished: exactly what is true
        except PlatformError as error:
            self._note(step, error=error.code)
            raise
        except Exception as error:
            if not is_public:
                self._note(step, error=type(error).__name__[:300])
                raise
            log.exception("a public call ended in an error of our own", post=str(self.attempt.post_id), step=name)
            raise OutcomeUnknown("The answer of the platform could not be read.") from error
        try:
            self._note(step, finished_at=timezone.now(), result=result)
        except DatabaseError as error:
            if not is_public:
                raise
            # As a failure of ours it would be tried again, and go out twice.
            raise OutcomeUnknown("The answer of the platform could not be stored.") from error
        return result

    def begun(self) -> dict[str, PublishStep]:
        """The steps of this attempt. Read once: only the holder of the lease writes them."""
        if self.steps is None:
            self.steps = {step.name: step for step in self.attempt.steps.all()}
        return self.steps

    @transaction.atomic
    def _begin(self, step: PublishStep | None, name: str, *, is_public: bool) -> PublishStep:
        """Extend the lease and write the step down, both or neither. Raises LeaseLost."""
        self.renew(calls=1 if is_public else 2)  # an upload may take longer than any other call
        now = timezone.now()
        if step is None:
            step = PublishStep.objects.create(attempt=self.attempt, name=name, is_public=is_public, started_at=now)
            self.begun()[name] = step
        else:
            self._note(step, started_at=now, error="")
        return step

    @staticmethod
    def _note(step: PublishStep, **changes: Any) -> None:
        PublishStep.objects.filter(pk=step.pk).update(**changes)
        for field, value in changes.items():
            setattr(step, field, value)

    def renew(self, *, calls: int = 1) -> None:
        """Extend the lease before a call. Raises LeaseLost when another worker has taken over."""
        until = timezone.now() + calls * lease()
        held = SocialPost.objects.filter(
            pk=self.attempt.post_id, status=PostStatus.PUBLISHING, claimed_by=self.holder
        ).update(lease_until=until)
        if not held:
            raise LeaseLost
