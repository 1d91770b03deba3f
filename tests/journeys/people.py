"""What people do in the journeys, without a browser: sign in, and walk through a platform's consent page."""

import re
from html import unescape
from urllib.parse import urljoin

import requests

from tests.product import PASSWORD, Product


def signed_in(product: Product, email: str) -> requests.Session:
    """A browser session in which the person is signed in, by the sign-in form."""
    session = requests.Session()
    address = f"{product.url}/accounts/login/"
    page = session.get(address, timeout=20)
    form = {"login": email, "password": PASSWORD, "csrfmiddlewaretoken": csrf_of(page.text)}
    answer = session.post(address, data=form, headers={"Referer": address}, timeout=20)
    assert answer.ok, answer.text[:500]
    assert "sessionid" in session.cookies
    return session


def csrf_of(html: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)
    assert found, html[:500]
    return found[1]


def consent(
    session: requests.Session, start: str, *, account: str, pages: tuple[str, ...] = (), deny: bool = False
) -> requests.Response:
    """From "Connect" through the platform's consent page and back; the page that Parley then shows."""
    page = session.get(start, timeout=20)
    assert page.ok, page.text[:500]
    assert "/sandbox/" in page.url
    form = {
        "csrfmiddlewaretoken": csrf_of(page.text),
        "account": account,
        "page": list(pages),
        "permission": [unescape(name) for name in re.findall(r'name="permission" value="([^"]+)"', page.text)],
        "decision": "deny" if deny else "approve",
    }
    answer = session.post(urljoin(start, page.url), data=form, headers={"Referer": page.url}, timeout=20)
    assert answer.ok, answer.text[:500]
    return answer
