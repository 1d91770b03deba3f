"""What Django's own check says of a deployment, asked in a process of its own with a deployment's environment."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from accounts.checks import shared_limits

ROOT = Path(__file__).resolve().parent.parent.parent
GOOD = {
    "SECRET_KEY": "k3y-of-a-deployment-" + "q7Zp1xR9" * 6,
    "SOCIAL_MEDIA_ENCRYPTION_KEY": "dGVzdHMtb25seS1rZXktdGVzdHMtb25seS1rZXktMDE=",
    "APP_URL": "https://parley.example.org",
}


def check(tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env=kept | {"DATA_DIR": str(tmp_path)} | environ, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_a_proper_deployment_has_nothing_to_complain_about(tmp_path: Path) -> None:
    done = check(tmp_path, **GOOD)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues" in done.stdout


def test_hosts_that_share_a_redis_share_their_limits(tmp_path: Path) -> None:
    servers = {"DATABASE_URL": "postgres://parley@db.example.org/parley", "REDIS_URL": "redis://redis.example.org/0"}
    done = check(tmp_path, **GOOD | servers)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_cache_that_each_process_keeps_for_itself_is_warned_of(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert [warning.id for warning in shared_limits()] == ["accounts.W001"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"SOCIAL_MEDIA_ENCRYPTION_KEY": ""}, "SOCIAL_MEDIA_ENCRYPTION_KEY is not set"),
        ({"SOCIAL_MEDIA_ENCRYPTION_KEY": "c2hvcnQ="}, "5 bytes"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"APP_URL": "parley.example.org"}, "APP_URL must be a full address"),
        ({"APP_URL": "http://parley.example.org"}, "security.W"),
        ({"DATABASE_URL": "postgres://parley@db.example.org/parley"}, "counted separately on each machine"),
    ],
)
def test_a_wrong_one_is_refused_with_what_to_do(tmp_path: Path, change: dict[str, str], says: str) -> None:
    done = check(tmp_path, **GOOD | change)
    assert done.returncode != 0
    assert says in done.stdout + done.stderr
