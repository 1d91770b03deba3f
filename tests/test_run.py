"""``make run``: the supervisor and its children, as processes."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from django.conf import settings

from tests.product import BASE_DIR, Product, running, wait_until
from tests.services import free_port
from tools import run

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product of this module's own, which its tests may maltreat."""
    with running(tmp_path_factory.mktemp("maltreated")) as product:
        yield product


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def start_once(data_dir: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """``tools/run.py`` for a start that is expected to be refused."""
    return subprocess.run(
        [sys.executable, "tools/run.py"],
        cwd=BASE_DIR, env=Product(data_dir).environ | environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@contextmanager
def taken_port() -> Iterator[int]:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


# --- starting ---------------------------------------------------------------------------------------------------------


def test_it_says_where_it_is_and_how_to_sign_in_when_it_really_answers(product: Product) -> None:
    assert f"Parley is ready at {product.url}" in product.log()
    assert "marketer@riverside.example" in product.log()
    assert requests.get(f"{product.url}/readyz", timeout=10).json() == {"ready": True, "problems": {}}


def test_its_keys_are_readable_by_the_owner_alone(product: Product) -> None:
    file = product.data_dir / "local.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "SECRET_KEY=" in file.read_text()
    assert stat.S_IMODE((product.data_dir / "parley.sqlite3").stat().st_mode) == 0o600


def test_a_key_once_made_is_never_replaced(tmp_path: Path) -> None:
    run.write_keys(tmp_path / "local.env")
    first = (tmp_path / "local.env").read_text()
    run.write_keys(tmp_path / "local.env")
    assert (tmp_path / "local.env").read_text() == first


def test_it_says_when_its_port_is_taken(tmp_path: Path) -> None:
    with taken_port() as port:
        done = start_once(tmp_path, PORT=str(port))
    assert done.returncode == 1
    assert f"Port {port} is taken by another program" in done.stdout


def test_a_second_one_with_the_same_data_is_refused(product: Product) -> None:
    done = start_once(product.data_dir, PORT=str(free_port()))
    assert done.returncode == 1
    assert "Parley already runs with the data in" in done.stdout


def test_the_sandbox_never_starts_under_a_public_address(tmp_path: Path) -> None:
    done = start_once(tmp_path, APP_URL="https://parley.example.org")
    assert done.returncode == 1
    assert "SANDBOX is on but APP_URL is the public address" in done.stdout


def test_what_the_operator_set_is_respected(tmp_path: Path) -> None:
    (tmp_path / "local.env").write_text("TWITTER_CLIENT_ID=mine\nLOG_LEVEL=DEBUG\n")
    told = run.settings_for(8000, tmp_path, {"FACEBOOK_API_URL": "http://127.0.0.1:9/graph"})
    assert "TWITTER_CLIENT_ID" not in told  # the product reads local.env itself
    assert "LOG_LEVEL" not in told
    assert told["FACEBOOK_API_URL"] == "http://127.0.0.1:9/graph"
    assert told["TWITTER_API_URL"] == "http://127.0.0.1:8000/sandbox/twitter"


def test_without_the_sandbox_no_platform_is_replaced(tmp_path: Path) -> None:
    told = run.settings_for(8000, tmp_path, {"SANDBOX": "0"})
    assert not [name for name in told if name.endswith(("_API_URL", "_AUTH_URL", "_SITE_URL", "_CLIENT_ID"))]


# --- running ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["publish", "general", "beat", "web"])
def test_a_child_that_dies_is_started_again_and_it_is_said(product: Product, name: str) -> None:
    pid = product.kill(name)
    product.wait_for_child(name, other_than=pid)
    assert f"{name} was killed by signal 9; starting it again in" in product.log()
    wait_until(lambda: answers(product), 30, product.log)


def answers(product: Product) -> bool:
    try:
        return requests.get(f"{product.url}/readyz", timeout=5).ok
    except requests.ConnectionError:
        return False


def test_a_child_that_keeps_dying_is_started_ever_more_seldom() -> None:
    child = run.Child("web", [], started_at=time.monotonic())
    assert [child.plan_restart() for _death in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    child.started_at -= run.STEADY_S + 1
    assert child.plan_restart() == 1


def test_the_message_folder_does_not_grow(product: Product) -> None:
    folder = product.data_dir / "queue" / "messages"
    wait_until(lambda: len(list(folder.iterdir())) <= 3, 20)
    time.sleep(3)  # as many ticks
    assert len(list(folder.iterdir())) <= 3


def test_filling_the_demonstration_again_changes_nothing(product: Product) -> None:
    api = product.api("viewer@riverside.example")
    before = api.get("/api/v1/social/posts?limit=200")["results"]
    product.manage("seed_demo")
    after = api.get("/api/v1/social/posts?limit=200")["results"]
    assert [post["id"] for post in after] == [post["id"] for post in before]


# --- stopping ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_ends_every_child_and_a_second_start_continues(product: Product, number: int) -> None:
    pids = list(product.processes().values())
    assert product.stop(number) == 0
    assert [pid for pid in pids if is_alive(pid)] == []
    started = time.monotonic()
    product.start()
    assert "Filling the demonstration" not in product.log().rpartition("Stopping")[2]
    assert time.monotonic() - started < 60
    assert requests.get(f"{product.url}/readyz", timeout=10).ok


def test_children_do_not_outlive_a_supervisor_that_is_killed(product: Product) -> None:
    pids = list(product.processes().values())
    assert product.process is not None
    os.kill(product.process.pid, signal.SIGKILL)
    product.process.wait()
    wait_until(lambda: not [pid for pid in pids if is_alive(pid)], 20)
    product.start()
    assert requests.get(f"{product.url}/readyz", timeout=10).ok


def test_messages_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    (tmp_path / "tick.msg").write_text("{}")
    (tmp_path / ".taken-tick").write_text("{}")
    run.purge_messages(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_setting_of_the_test_run_reaches_the_product(product: Product) -> None:
    assert settings.SECRET_KEY not in (product.data_dir / "local.env").read_text()
    assert "DJANGO_SETTINGS_MODULE" not in product.environ
