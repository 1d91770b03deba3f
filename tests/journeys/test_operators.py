"""What an operator changes by SQL in the running product's database happens."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.product import Product, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.postgres]

RUNBOOK = (Path(__file__).resolve().parents[2] / "docs/operations.md").read_text()


def test_a_failed_post_set_back_by_sql_goes_out(running_product: Product) -> None:
    api = running_product.api("owner@hilltop.example")
    facebook = api.get("/api/v1/social/connections?platform=FACEBOOK")["results"][0]["id"]
    text = f"Stringing by Monday, promised. {datetime.now(UTC):%H:%M:%S}"
    running_product.plant_fault(platform="FACEBOOK", operation="publish", fault="reject", times=1)
    at = (datetime.now(UTC) + timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    post = api.post("/api/v1/social/posts", {"connection": facebook, "content": text, "scheduled_at": at})["id"]

    def status() -> str:
        said: str = api.get(f"/api/v1/social/posts/{post}")["status"]
        return said

    wait_until(lambda: status() == "FAILED", 60, running_product.log)
    assert [row for row in running_product.taken("FACEBOOK") if row["text"] == text] == []

    statement = re.findall(r"```sql\n(UPDATE[^`]*'SCHEDULED'[^`]*'FAILED'[^`]*)```", RUNBOOK)[0]
    with psycopg.connect(running_product.environ["DATABASE_URL"], autocommit=True) as database:
        assert database.execute(statement.replace(":post", f"'{post}'")).rowcount == 1
    wait_until(lambda: status() == "PUBLISHED", 60, running_product.log)
    assert len([row for row in running_product.taken("FACEBOOK") if row["text"] == text]) == 1
