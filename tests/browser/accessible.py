"""What every page of the product is held to in a real browser: axe with all its rules, and the width of the window."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"]
"""All rules of axe up to level AA, with those that are off by default."""
WINDOWS = {"desk": (1440, 900), "phone": (390, 844)}


def problems_of(page: Page) -> dict[str, Any]:
    """What is wrong with the page as it is now, by rule, with the elements; {} when nothing is. The page's browser
    context was made with ``bypass_csp``: axe is an inline script."""
    told = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}}).response["violations"]
    found: dict[str, Any] = {problem["id"]: [node["html"][:300] for node in problem["nodes"]] for problem in told}
    if (too_wide := page.evaluate("document.documentElement.scrollWidth - window.innerWidth")) > 0:
        found["wider than the window"] = too_wide
    return found
