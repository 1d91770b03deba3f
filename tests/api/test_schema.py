"""The OpenAPI document and its readers."""

import re
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Any:
    file = tmp_path_factory.mktemp("schema") / "schema.yml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(file))
    return yaml.safe_load(file.read_text())


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [(path, method, one) for path, item in document["paths"].items() for method, one in item.items()]


def test_is_valid_openapi_3_1_without_warnings(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    assert len(operations(document)) > 40


def test_every_operation_declares_its_refusals_as_problems(document: Any) -> None:
    for path, method, one in operations(document):
        needed = {"400", "401", "429"} | ({"404"} if "{" in path else set())
        assert needed <= set(one["responses"]), f"{method} {path}"
        for code in set(one["responses"]) - {"200", "201", "202", "204"}:
            content = one["responses"][code]["content"]
            assert list(content) == ["application/problem+json"], f"{method} {path} {code}"


def test_every_operation_but_the_sign_in_needs_a_bearer_token(document: Any) -> None:
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for path, method, one in operations(document):
        assert one["security"] == ([{}] if "/auth/" in path else [{"bearer": []}]), f"{method} {path}"


def test_writes_document_their_idempotency_key(document: Any) -> None:
    for path, method, one in operations(document):
        names = {parameter["name"] for parameter in one.get("parameters", []) if parameter["in"] == "header"}
        if "/auth/" not in path:
            assert "X-Organization" in names
            assert ("Idempotency-Key" in names) == (method != "get"), f"{method} {path}"


def test_the_readers_run_under_the_policy_without_inline_scripts(db: None) -> None:
    for address in ("/api/docs/", "/api/redoc/"):
        answer = Client().get(address)
        assert answer.status_code == 200
        page = answer.content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert "<style" not in page
        assert not re.search(r"(src|href)=\"https?:", page)
        policy = answer["Content-Security-Policy"]
        scripts = next(part for part in policy.split(";") if part.strip().startswith("script-src"))
        assert "unsafe" not in scripts


def test_what_is_sent_may_hold_no_other_fields(document: Any) -> None:
    for path, method, one in operations(document):
        for content in one.get("requestBody", {}).get("content", {}).values():
            name = content["schema"].get("$ref", "").rpartition("/")[2]
            if name:
                assert document["components"]["schemas"][name].get("additionalProperties") is False, f"{method} {path}"
