"""REST routes, under ``/api/v1/``."""

from django.urls import URLPattern, URLResolver

app_name = "publishing_api"
urlpatterns: list[URLPattern | URLResolver] = []
