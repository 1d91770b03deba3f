"""REST routes of connections, under ``/api/v1/``."""

from django.urls import URLPattern, URLResolver

app_name = "connections_api"
urlpatterns: list[URLPattern | URLResolver] = []
