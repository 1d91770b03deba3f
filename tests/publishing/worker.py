"""A worker in a process of its own, for tests that kill it.

python -m tests.publishing.worker prepare            a database with one due post; prints its id
python -m tests.publishing.worker publish <post id>  claims and publishes it
python -m tests.publishing.worker settle <post id>   what later ticks and workers do; prints the ending as JSON
"""

import json
import os
import sys
import time
from datetime import timedelta
from uuid import UUID


def prepare() -> str:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    from django.utils import timezone

    from tests import factories

    club = factories.make_organization()
    account = factories.make_connection(
        club,
        "MASTODON",
        expires_in_s=None,
        refresh="",
        platform_account_id="1",
        server_url=os.environ["MASTODON_API_URL"],
    )
    post = factories.make_post(account, content="Frost on the greens", scheduled_at=timezone.now())
    factories.attach(post, factories.make_asset(club))
    return str(post.pk)


def publish(post_id: UUID) -> None:
    from django.utils import timezone

    from publishing.attempts import publish_post
    from publishing.dispatch import claim_due_posts

    claim_due_posts(timezone.now(), limit=10)
    publish_post(post_id)


def settle(post_id: UUID) -> str:
    from django.utils import timezone

    from publishing.attempts import QUEUED, RECONCILING, publish_post
    from publishing.dispatch import claim_due_posts, sweep_posts
    from publishing.models import PublishStep, SocialPost
    from publishing.reconcile import reconcile_post

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        sweep_posts()
        claim_due_posts(timezone.now(), limit=10)
        post = SocialPost.objects.get(pk=post_id)
        if post.status in {"PUBLISHED", "FAILED"}:
            break
        if post.claimed_by.startswith(QUEUED):
            publish_post(post_id)
        elif post.claimed_by.startswith(RECONCILING):
            # Minutes pass: what has not appeared by now never will.
            PublishStep.objects.filter(attempt__post=post).update(started_at=timezone.now() - timedelta(minutes=5))
            reconcile_post(post_id)
        SocialPost.objects.filter(pk=post_id, status="SCHEDULED").update(next_attempt_at=None)
        time.sleep(0.1)
    post = SocialPost.objects.get(pk=post_id)
    attempts = list(post.attempts.values_list("outcome", flat=True))
    return json.dumps({"status": post.status, "platform_post_id": post.platform_post_id, "attempts": attempts})


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    command, *rest = sys.argv[1:]
    if command == "prepare":
        print(prepare())
    elif command == "publish":
        publish(UUID(rest[0]))
    else:
        print(settle(UUID(rest[0])))


if __name__ == "__main__":
    main()
