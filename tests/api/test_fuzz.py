"""Every operation of the schema with valid and hostile data: nothing beyond what the schema says, either way.

Actions without a body are left out: what they share is tested once, in ``test_strictness``. What a schema cannot say (an id of nothing, times that contradict each other) is answered with 422; a call to a platform
fails here with 502, as there is none, and with 429 once the circuit breaker has seen that often enough.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from accounts import signin_limits
from accounts.models import Organization, User
from tests import factories
from tests.api.client import ApiClient
from tests.walk import Club

CONFIG = """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "412", "422", "429", "502"]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "502"]
"""
WITHOUT_BODY = (
    r"/\{id\}/(refresh|validate|sync|disconnect|revoke|unschedule|publish|cancel|retry|read|resend|metrics"
    r"|problems|sync-engagement)$|auth/token/revoke"
)


@pytest.mark.usefixtures("audit_can_be_emptied")
def test_the_schema_is_the_whole_truth(
    live_server: Any, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signin_limits, "LIMITS", dict.fromkeys(signin_limits.LIMITS, "1000000/m/key"))
    rates = {"credential": "1000000/min", "sign_in": "1000000/min"}
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": rates}
    settings.PLATFORM_API_URLS = dict.fromkeys(settings.PLATFORM_API_URLS, "http://127.0.0.1:9")  # nobody listens
    organization: Organization = factories.make_organization()
    owner: User = factories.make_member(organization, "OWNER").user
    Club(organization, owner, factories.make_member(organization, "MARKETER").user)
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"), "--config-file", "schemathesis.toml", "run",
            f"{live_server.url}/api/schema/?format=json",
            "--header", f"Authorization: {ApiClient(owner).headers['Authorization']}",
            "--phases", "coverage,fuzzing", "--max-examples", "1", "--workers", "4", "--seed", "8", "--no-color",
            "--continue-on-failure", "--no-shrink", "--exclude-path-regex", WITHOUT_BODY,
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
