"""A REST client of the tests: it signs in like any other and speaks JSON."""

from typing import Any

from django.test import Client

from accounts.models import User
from tests.factories import PASSWORD


class ApiClient:
    """Calls under ``/api/v1/`` with a token of the person, obtained at ``auth/token``."""

    def __init__(self, user: User | None = None, *, organization: str = "", **headers: str) -> None:
        self.browser = Client(raise_request_exception=False)
        self.headers = dict(headers)
        self.tokens: dict[str, Any] = {}
        if user is not None:
            body = {"email": user.email, "password": PASSWORD}
            answer = self.post("auth/token", body | ({"organization": organization} if organization else {}))
            assert answer.status_code == 200, answer.content
            self.tokens = answer.json()
            self.headers["Authorization"] = f"Bearer {self.tokens['access']}"

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {"data": body, "content_type": "application/json"} if body is not None else {}
        address = path if path.startswith(("/", "http")) else f"/api/v1/{path}"
        return getattr(self.browser, method.lower())(address, headers=self.headers | headers, **sent)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, {} if body is None else body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.call("DELETE", path, **headers)
