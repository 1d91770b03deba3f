"""The short way to the imitated platforms: past everything that a request of the product goes through."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

MOUNT = "/sandbox"
PLATFORMS = tuple(f"{MOUNT}/{name}/" for name in ("twitter", "facebook", "mastodon", "takahe"))


class PlatformMiddleware:
    """Answers calls to imitated endpoints at once: a platform knows no session, language or organization of ours, and
    sends none of our headers. First in the list; pages for people and everything else pass through the whole of it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PLATFORMS):
            return self.get_response(request)
        try:
            found = resolve(request.path_info.removeprefix(MOUNT), urlconf="sandbox.urls")
        except Resolver404:
            return self.get_response(request)
        if not getattr(found.func, "is_imitated", False):
            return self.get_response(request)
        request.get_host()  # refuses, as the product does, names that lead here from foreign pages
        answer: HttpResponseBase = found.func(request, *found.args, **found.kwargs)
        return answer
