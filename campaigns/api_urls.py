"""REST routes of campaigns, under ``/api/v1/``."""

from django.urls import URLPattern, URLResolver

from accounts.api.routing import make_router
from campaigns.api import CampaignViewSet

router = make_router()
router.register("campaigns", CampaignViewSet, "campaigns")

app_name = "campaigns_api"
urlpatterns: list[URLPattern | URLResolver] = [*router.urls]
