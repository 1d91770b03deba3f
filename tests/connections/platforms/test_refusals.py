"""Every documented refusal becomes the one error that says what to do about it, with the platform's own words."""

import json
from typing import Any

import pytest
import responses

from connections import errors
from connections.http import Patience
from tests.connections.platforms.helpers import HERE, SECRET, TOKEN, client

ONCE = {"create_post", "create_comment", "exchange_code", "refresh"}
HTML = "<html><head><title>Error</title></head><body><h1>nginx</h1></body></html>"

ROWS = [
    pytest.param(name, *row, id=f"{name}-{row[0]}-{row[1]}-{row[3]}-{number}")
    for name in ("TWITTER", "FACEBOOK", "MASTODON")
    for number, row in enumerate(json.loads((HERE / name.lower() / "refusals.json").read_text()))
]


@pytest.mark.parametrize(("name", "operation", "status", "body", "error", "says"), ROWS)
def test_a_refusal_becomes_its_consequence(
    name: str, operation: str, status: int, body: Any, error: str, says: str, web: responses.RequestsMock
) -> None:
    platform = client(name)
    content: Any = {"body": HTML, "content_type": "text/html"} if body is None else {"json": body}
    web.add(responses.POST, f"{platform.http.api_url}/probe", status=status, **content)
    patience = Patience.ONCE if operation in ONCE else Patience.READ
    with pytest.raises(errors.PlatformError) as raised:
        platform.http.call("POST", "/probe", operation=operation, patience=patience)
    assert type(raised.value) is getattr(errors, error)
    assert says in str(raised.value)
    assert "<html" not in str(raised.value)
    if patience is Patience.ONCE:
        assert len(web.calls) == 1
    for planted in (TOKEN, SECRET):
        assert planted not in f"{raised.value!r} {raised.value} {raised.value.detail} {raised.value.platform_code}"
