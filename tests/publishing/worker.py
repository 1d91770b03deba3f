"""Workers in processes of their own, for tests that kill them.

python -m tests.publishing.worker

Makes a database in DATA_DIR with one due post per platform, prints their ids as JSON, and then obeys one order per line
of its input: {"do": "publish" or "settle", "folder": path, "post": id}. Each order is done by a fork, which costs no
start-up; its process id is printed before it begins and its exit status when it has ended, each as one line of JSON. A
fork uses the copy of the database in its folder, when there is one, and leaves there what it has to say (``said.json``).
"""

import json
import os
import sys
import time
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

SERVERS = {"MASTODON": "MASTODON_API_URL", "TWITTER": "", "FACEBOOK": ""}


def prepare() -> dict[str, str]:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    from django.utils import timezone

    from tests import factories

    club = factories.make_organization()
    made = {}
    for platform, setting in SERVERS.items():
        account = factories.make_connection(
            club,
            platform,
            expires_in_s=None,
            platform_account_id="1",
            server_url=os.environ[setting] if setting else "",
        )
        post = factories.make_post(
            account, content="Frost on the greens", first_comment="Back at noon", scheduled_at=timezone.now()
        )
        factories.attach(post, factories.make_asset(club))
        made[platform] = str(post.pk)
    return made


def publish(post_id: UUID) -> None:
    from django.utils import timezone

    from publishing.attempts import publish_post
    from publishing.dispatch import claim_due_posts

    claim_due_posts(timezone.now(), limit=10)
    publish_post(post_id)


def settle(post_id: UUID) -> dict[str, Any]:
    """What later ticks and workers do, an hour later."""
    from django.utils import timezone

    from publishing.attempts import publish_post
    from publishing.dispatch import claim_due_posts, sweep_posts
    from publishing.models import QUEUED, RECONCILING, PublishStep, SocialPost
    from publishing.reconcile import reconcile_connection

    rows = SocialPost.objects.filter(pk=post_id)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        # An hour passes: leases and waits are over, and what has not appeared at the platform by now never will.
        rows.filter(status="PUBLISHING").update(lease_until=timezone.now() - timedelta(seconds=1))
        rows.filter(status="SCHEDULED").update(next_attempt_at=None)
        PublishStep.objects.filter(attempt__post_id=post_id).update(started_at=timezone.now() - timedelta(hours=1))
        sweep_posts()
        claim_due_posts(timezone.now(), limit=10)
        post = rows.get()
        if post.status in {"PUBLISHED", "FAILED"}:
            break
        if post.claimed_by.startswith(QUEUED):
            publish_post(post_id)
        elif post.claimed_by.startswith(RECONCILING):
            reconcile_connection(post.connection_id)
    post = rows.get()
    return {
        "status": post.status, "error_code": post.error_code, "error_message": post.error_message,
        "platform_post_id": post.platform_post_id,
    }  # fmt: skip


def obey(order: dict[str, str]) -> None:
    """In the fork."""
    from django.db import connections

    folder = Path(order["folder"])
    if (copy := folder / "parley.sqlite3").exists():
        connections.settings["default"]["NAME"] = str(copy)
    post_id = UUID(order["post"])
    if order["do"] == "publish":
        publish(post_id)
    else:
        (folder / "said.json").write_text(json.dumps(settle(post_id)))
    connections.close_all()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.db import connections

    made = prepare()
    connections.close_all()  # before it is copied: what was written moves into the file itself
    print(json.dumps(made), flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                obey(json.loads(line))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(json.dumps({"pid": pid}), flush=True)
        print(json.dumps({"status": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}), flush=True)


if __name__ == "__main__":
    main()
