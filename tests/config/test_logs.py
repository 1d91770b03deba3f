"""Logs: what is left out of them."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from config.logs import QuietProbes, mask_secrets


def record(message: Any, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("parley", logging.WARNING, "file.py", 1, message, (), extra.pop("exc_info", None))
    made.__dict__.update(extra)
    return made


@pytest.mark.parametrize("path", ["/readyz", "/healthz", "/metrics", "/sandbox/twitter/2/tweets"])
def test_requests_that_ask_how_we_are_leave_no_line(path: str) -> None:
    assert not QuietProbes().filter(record({"event": "request_finished", "request": f"GET {path}"}))
    assert not QuietProbes().filter(record("Service Unavailable: %s", request=SimpleNamespace(path=path)))


def test_everything_else_is_logged() -> None:
    assert QuietProbes().filter(record({"event": "request_finished", "request": "GET /calendar/"}))
    assert QuietProbes().filter(record("Not Found", request=SimpleNamespace(path="/calendar/")))
    assert QuietProbes().filter(record({"event": "api call", "platform": "TWITTER"}))
    assert QuietProbes().filter(record("words alone"))


def test_an_error_with_its_traceback_is_always_logged() -> None:
    error = ValueError("broken")
    said = record("Internal Server Error", request=SimpleNamespace(path="/readyz"), exc_info=(ValueError, error, None))
    assert QuietProbes().filter(said)


@pytest.mark.parametrize(
    "path",
    [
        "/invitations/Sesame:1tyKd2:k3y/",
        "/accounts/confirm-email/Sesame/",
        "/accounts/password/reset/key/7-Sesame/",
        "/api/social/twitter/callback?state=Sesame&code=Sesame",
        "/api/social/facebook/callback?code=Sesame#_=_",
        "/sandbox/facebook/v26.0/me?access_token=Sesame",
    ],
)
def test_links_that_open_a_door_are_masked(path: str) -> None:
    line = mask_secrets({"request": f"GET {path}"})["request"]
    assert "Sesame" not in line
    assert line.startswith("GET /")


def test_ordinary_addresses_are_logged_whole() -> None:
    for path in ("/members/invitations/01a1fbf9-0fbe-761f-b486-a1c13de356e0/resend/", "/calendar/?view=week"):
        assert mask_secrets({"request": f"GET {path}"}) == {"request": f"GET {path}"}
