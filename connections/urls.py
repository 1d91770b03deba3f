"""Pages of connections, and the two addresses that platforms know."""

from django.urls import path

from connections import views

app_name = "connections"

urlpatterns = [
    path("connections/", views.connection_list, name="list"),
    path("connections/choose/<uuid:consent_id>/", views.choose, name="choose"),
    path("connections/apps/<slug:platform>/", views.platform_app, name="platform_app"),
    path("connections/apps/<slug:platform>/remove/", views.remove_app, name="remove_app"),
    path("connections/<uuid:connection_id>/", views.connection_detail, name="detail"),
    path("connections/<uuid:connection_id>/avatar/", views.avatar, name="avatar"),
    path("connections/<uuid:connection_id>/refresh/", views.refresh, name="refresh"),
    path("connections/<uuid:connection_id>/validate/", views.validate, name="validate"),
    path("connections/<uuid:connection_id>/sync/", views.sync, name="sync"),
    path("connections/<uuid:connection_id>/disconnect/", views.disconnect_page, name="disconnect"),
    # These two paths are registered at the platforms and must not change.
    path("api/social/<slug:platform>/auth", views.start, name="start"),
    path("api/social/<slug:platform>/callback", views.callback, name="callback"),
]
