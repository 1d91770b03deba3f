"""The data folder is for one account alone."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config.private import keep_private

ROOT = Path(__file__).resolve().parents[2]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    keep_private(tmp_path / "a" / "var")
    assert mode(tmp_path / "a" / "var") == 0o700


def test_what_an_installation_of_before_left_open_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir(mode=0o755)
    for name in ("parley.sqlite3", "parley.sqlite3-wal", "local.env", "cache.sqlite3", "demo.json", "run.lock"):
        (folder / name).touch(mode=0o644)
    keep_private(folder)
    assert mode(folder) == 0o700
    assert {mode(file) for file in folder.iterdir()} == {0o600}


def test_a_folder_opened_to_a_group_alone_stays_as_its_operator_made_it(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir()
    folder.chmod(0o750)
    keep_private(folder)
    assert mode(folder) == 0o750


def test_a_folder_that_is_shared_by_design_stays_open(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    keep_private(folder)
    assert mode(folder) == 0o1777


def test_every_process_closes_it(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    environ = os.environ | {
        "DATA_DIR": str(folder),
        "SECRET_KEY": "x" * 50,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    environ.pop("DATABASE_URL", None)
    code = "from django.conf import settings; print(settings.ALLOWED_HOSTS)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, check=True)
    assert mode(folder) == 0o700


@pytest.mark.parametrize(
    ("address", "hosts"),
    [
        ("https://parley.example.org", ["parley.example.org"]),
        ("http://127.0.0.1:8000", ["127.0.0.1", "127.0.0.1", "localhost"]),
    ],
)
def test_loopback_names_are_answered_beside_a_local_address_alone(
    tmp_path: Path, address: str, hosts: list[str]
) -> None:
    environ = {name: text for name, text in os.environ.items() if name not in {"DATABASE_URL", "SANDBOX", "DEBUG"}}
    environ |= {
        "DATA_DIR": str(tmp_path), "SECRET_KEY": "x" * 50, "DJANGO_SETTINGS_MODULE": "config.settings",
        "APP_URL": address,
    }  # fmt: skip
    code = "from django.conf import settings; print(settings.ALLOWED_HOSTS)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(hosts)
