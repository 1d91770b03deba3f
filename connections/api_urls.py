"""REST routes of connections, under ``/api/v1/``."""

from django.urls import URLPattern, URLResolver

from accounts.api.routing import make_router
from connections.api import ConnectionViewSet

router = make_router()
router.register("social/connections", ConnectionViewSet, "connections")

app_name = "connections_api"
urlpatterns: list[URLPattern | URLResolver] = [*router.urls]
