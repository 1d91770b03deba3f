"""What an attempt has done, as rows: each call is written down before it is made and completed after it answered."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from connections.errors import OutcomeUnknown, PlatformError, TransientError
from connections.http import SEND_BY
from connections.platforms.base import Json
from publishing.errors import LeaseLost
from publishing.models import PostStatus, PublishAttempt, PublishStep, SocialPost

log = structlog.get_logger(__name__)

FRESH_SHARE = 0.75
"""A lease with this much of its length left need not be extended before a call."""


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
            raise OutcomeUnknown("An earlier attempt was interrupted while sending.")
        step = self._begin(step, name, is_public=is_public)
        # By then the lease is still ours: nobody has concluded yet that this worker died.
        limit = SEND_BY.set(step.started_at + lease() / 2) if is_public else None
        try:
            result = call()
        except OutcomeUnknown:
            raise  # begun and not finished: exactly what is true
        except PlatformError as error:
            if not (is_public and isinstance(error, TransientError) and error.was_sent):
                self._note(step, error=error.code)
            raise
        except Exception as error:
            if not is_public:
                self._note(step, error=type(error).__name__[:300])
                raise
            log.exception("a public call ended in an error of our own", post=str(self.attempt.post_id), step=name)
            raise OutcomeUnknown("The platform's response could not be read.") from error
        finally:
            if limit is not None:
                SEND_BY.reset(limit)
        try:
            self._note(step, finished_at=timezone.now(), result=result)
        except Exception as error:
            if not is_public:
                raise
            # As a failure of ours it would be tried again, and go out twice, whatever kept it from being stored.
            raise OutcomeUnknown("The platform's response could not be saved.") from error
        return result

    def begun(self) -> dict[str, PublishStep]:
        """The steps of this attempt. Read once: only the holder of the lease writes them."""
        if self.steps is None:
            self.steps = {step.name: step for step in self.attempt.steps.all()}
        return self.steps

    def _begin(self, step: PublishStep | None, name: str, *, is_public: bool) -> PublishStep:
        """Write the step down while the lease is ours and long enough for its call. Raises LeaseLost."""
        now = timezone.now()
        if step is None:
            step = PublishStep(attempt=self.attempt, name=name, is_public=is_public, started_at=now)
            if not (is_public and self._insert_under_lease(step)):
                with transaction.atomic():
                    self.renew(calls=1 if is_public else 2)  # an upload may take longer than any other call
                    step.save(force_insert=True)
            self.begun()[name] = step
        else:
            with transaction.atomic():
                self.renew(calls=1 if is_public else 2)
                self._note(step, started_at=now, error="")
        return step

    def _insert_under_lease(self, step: PublishStep) -> bool:
        """Insert the step in one statement if the lease is ours and was extended just now, as before the only call of
        most posts."""
        quote = connection.ops.quote_name
        fields = [field for field in PublishStep._meta.concrete_fields if not field.primary_key]
        fresh_until = step.started_at + lease() * FRESH_SHARE
        held = [
            SocialPost._meta.pk.get_db_prep_value(self.attempt.post_id, connection),
            PostStatus.PUBLISHING.value,
            self.holder,
            connection.ops.adapt_datetimefield_value(fresh_until),
        ]
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {quote(PublishStep._meta.db_table)} ({', '.join(quote(str(field.column)) for field in fields)}) "  # noqa: S608  names of our own
                f"SELECT {', '.join(['%s'] * len(fields))} FROM {quote(SocialPost._meta.db_table)} "
                "WHERE id = %s AND status = %s AND claimed_by = %s AND lease_until >= %s RETURNING id",
                [field.get_db_prep_save(getattr(step, field.attname), connection) for field in fields] + held,
            )
            row = cursor.fetchone()
        step.pk = row[0] if row else None
        return row is not None

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
