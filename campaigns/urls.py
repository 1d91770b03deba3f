"""Pages of campaigns."""

from django.urls import path

from campaigns import views

app_name = "campaigns"

urlpatterns = [
    path("campaigns/", views.campaign_list, name="list"),
    path("campaigns/new/", views.campaign_create, name="create"),
    path("campaigns/<uuid:campaign_id>/", views.campaign_detail, name="detail"),
    path("campaigns/<uuid:campaign_id>/edit/", views.campaign_edit, name="edit"),
    path("campaigns/<uuid:campaign_id>/archive/", views.campaign_archive, name="archive"),
]
