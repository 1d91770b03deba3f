"""What axe finds on a page, by all its rules for WCAG 2.2 AA, its best practices and those that it still calls
experimental (a spoken name that leaves out what can be read, for one)."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"]


def assert_accessible(page: Page) -> None:
    options: dict[str, Any] = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": TAGS}}
    found = Axe().run(page, options=options).response["violations"]
    faults = [(violation["id"], [node["html"] for node in violation["nodes"]]) for violation in found]
    assert not faults, faults
