"""A server that cannot work does not start, and says why."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is not set"),
        ("SOCIAL_MEDIA_ENCRYPTION_KEY", "", "SOCIAL_MEDIA_ENCRYPTION_KEY is not set"),
        ("SOCIAL_MEDIA_ENCRYPTION_KEY", "c2hvcnQ=", "a key of 5 bytes; 32 are needed"),
        ("APP_URL", "parley.example", "APP_URL must be a full address"),
        ("RATE_BUDGETS", "TWITTER.posts=many", "Write it like TWITTER.posts=200/15m"),
    ],
)
def test_a_wrong_setting_stops_the_web_with_a_sentence(tmp_path: Path, setting: str, value: str, said: str) -> None:
    environ = {name: text for name, text in os.environ.items() if name not in {"DATABASE_URL", "SANDBOX"}}
    environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": "x" * 50,
        "SOCIAL_MEDIA_ENCRYPTION_KEY": "dGVzdHMtb25seS1rZXktdGVzdHMtb25seS1rZXktMDE=",
        "APP_URL": "https://parley.example",
        setting: value,
    }
    done = subprocess.run(
        [sys.executable, "-c", "import config.wsgi"], cwd=ROOT, env=environ, capture_output=True, check=False
    )
    assert done.returncode != 0
    assert said in done.stderr.decode()


def test_with_right_settings_the_web_starts(tmp_path: Path) -> None:
    environ = {name: text for name, text in os.environ.items() if name not in {"DATABASE_URL", "SANDBOX"}} | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": "x" * 50,
        "SOCIAL_MEDIA_ENCRYPTION_KEY": "dGVzdHMtb25seS1rZXktdGVzdHMtb25seS1rZXktMDE=",
        "APP_URL": "https://parley.example",
    }
    subprocess.run([sys.executable, "-c", "import config.wsgi"], cwd=ROOT, env=environ, check=True)
