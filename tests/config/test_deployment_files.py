"""The files of a deployment: what is kept out of git and images, and how the containers are confined."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SECRET_FILES = [
    "deploy/parley.env",
    ".env",
    "var/local.env",
    "data/local.env",
    "parley.sqlite3",
    "var/parley.sqlite3-wal",
]
SHARED_FILES = ["deploy/parley.env.example", "deploy/Caddyfile", "config/env.py", "requirements/runtime.txt"]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return found


def _is_ignored_by_git(path: str) -> bool:
    asked = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", path], cwd=ROOT, check=False)
    return asked.returncode == 0


def _is_left_out_of_the_image(path: str) -> bool:
    """By the rules of .dockerignore that ours uses: names from the root, ``**/`` for any folder, ``*`` within a name."""
    for line in (ROOT / ".dockerignore").read_text().split():
        pattern = re.escape(line).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        if re.fullmatch(rf"{pattern}(?:/.*)?", path):
            return True
    return False


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")
def test_git_leaves_secrets_out() -> None:
    assert [path for path in SECRET_FILES if not _is_ignored_by_git(path)] == []
    assert [path for path in SHARED_FILES if _is_ignored_by_git(path)] == []


def test_the_image_leaves_secrets_out() -> None:
    assert [path for path in SECRET_FILES if not _is_left_out_of_the_image(path)] == []
    assert [path for path in SHARED_FILES if _is_left_out_of_the_image(path)] == []


def test_every_container_is_confined(services: dict[str, Any]) -> None:
    needed = {"proxy": {"NET_BIND_SERVICE"}, "postgres": {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}}
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert set(service.get("cap_add", [])) == needed.get(name, set()), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert any(entry.startswith("/tmp") for entry in service["tmpfs"]), name
        assert not service.get("privileged"), name
        assert "/var/run/docker.sock" not in str(service.get("volumes")), name


def test_only_the_proxy_is_open_to_the_world(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if service.get("ports")] == ["proxy"]


def test_no_password_is_written_down_or_left_out(services: dict[str, Any]) -> None:
    assert services["redis"]["environment"]["REDISCLI_AUTH"].startswith("${REDIS_PASSWORD:?")
    assert "requirepass" in services["redis"]["command"][-1]
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    for name in ("web", "publish", "general", "beat", "migrate"):
        environment = services[name]["environment"]
        assert ":${REDIS_PASSWORD:?" in environment["REDIS_URL"], name
        assert ":${POSTGRES_PASSWORD:?" in environment["DATABASE_URL"], name


def test_every_volume_and_variable_is_declared(services: dict[str, Any]) -> None:
    whole = yaml.safe_load((ROOT / "compose.yaml").read_text())
    used = {entry.split(":")[0] for service in services.values() for entry in service.get("volumes", [])}
    assert {name for name in used if not name.startswith(".")} == set(whole["volumes"])
    said = (ROOT / "docs" / "deployment.md").read_text()
    for variable in set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text())):
        assert variable in said
