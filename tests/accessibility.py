"""What axe finds on a page, by all its rules for WCAG 2.2 AA, its best practices and those that it still calls
experimental (a spoken name that leaves out what can be read, for one). The page's context needs ``bypass_csp``."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"]


def faults_of(page: Page) -> dict[str, list[str]]:
    """The elements that break a rule, by rule; {} when none does."""
    options: dict[str, Any] = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": TAGS}}
    found = Axe().run(page, options=options).response["violations"]
    return {violation["id"]: [node["html"][:300] for node in violation["nodes"]] for violation in found}


def assert_accessible(page: Page) -> None:
    faults = faults_of(page)
    assert not faults, faults
