"""A worker process killed in any step of a publish: the post ends published once or asks, never twice, never lost."""

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.publishing.killing import Workers, running_platform

STEPS = {
    "MASTODON": ["upload", "post", "comment"],
    "TWITTER": ["upload", "describe", "post", "comment"],
    "FACEBOOK": ["upload", "post", "comment"],
}
NO_PROOF = {"FACEBOOK"}
"""Where a post that is not in sight may still be out: there a person is asked, and nothing is sent again."""


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    with running_platform() as platform:
        made = Workers(tmp_path_factory.mktemp("workers"), platform)
        yield made
        made.stop()


@pytest.mark.processes
@pytest.mark.parametrize("moment", ["before", "after", "answered"])
@pytest.mark.parametrize(("platform", "step"), [(name, step) for name, steps in STEPS.items() for step in steps])
def test_a_worker_killed_in_any_step_leaves_one_copy_or_asks(
    workers: Workers, tmp_path: Path, platform: str, step: str, moment: str
) -> None:
    server, post = workers.platform, workers.posts[platform]
    server.forget()
    shutil.copy(workers.folder / "parley.sqlite3", tmp_path)
    server.strike_at = (step, moment)
    status = workers.run("publish", tmp_path, post)
    assert server.strike_at is None, "the step was reached"
    if moment != "answered":
        assert status == -signal.SIGKILL, "the worker did die"
    assert workers.run("settle", tmp_path, post) == 0
    ending = json.loads((tmp_path / "said.json").read_text())
    if platform in NO_PROOF and (step, moment) == ("post", "before"):
        assert (ending["status"], ending["error_code"]) == ("FAILED", "OUTCOME_UNKNOWN")
        assert "It has not appeared at Facebook within" in ending["error_message"]
        assert server.taken == []
        return
    assert ending["status"] == "PUBLISHED"
    assert [copy["id"] for copy in server.taken] == [ending["platform_post_id"]]
    assert len(server.comments) <= 1, "no comment twice either"
    if not server.comments:
        assert ending["error_code"] == "PARTLY_PUBLISHED" or step == "post", "a comment that is missing is said"
