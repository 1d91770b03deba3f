"""REST routes of posts, media and the calendar, under ``/api/v1/``."""

from django.urls import URLPattern, URLResolver, path

from accounts.api.routing import make_router
from publishing import api

router = make_router()
router.register("social/posts", api.PostViewSet, "posts")
router.register("social/post-groups", api.PostGroupViewSet, "post-groups")
router.register("social/media", api.MediaViewSet, "media")

app_name = "publishing_api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("social/calendar", api.CalendarEndpoint.as_view({"get": "retrieve"}), name="calendar"),
    *router.urls,
]
