"""Pages of people and organizations."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("start/", views.start, name="start"),
    path("organization/", views.organization_settings, name="organization"),
    path("organization/publishing/", views.set_rules, name="publishing_rules"),
    path("organization/switch/", views.switch_organization, name="switch_organization"),
    path("organization/audit/", views.audit, name="audit"),
    path("organization/audit.csv", views.audit_csv, name="audit_csv"),
    path("members/", views.members, name="members"),
    path("members/<uuid:membership_id>/role/", views.change_member_role, name="change_role"),
    path("members/<uuid:membership_id>/remove/", views.remove_organization_member, name="remove_member"),
    path("members/invitations/<uuid:invitation_id>/resend/", views.resend, name="resend_invitation"),
    path("members/invitations/<uuid:invitation_id>/revoke/", views.revoke, name="revoke_invitation"),
    path("invitations/<str:token>/", views.accept, name="accept_invitation"),
    path("profile/", views.profile, name="profile"),
    path("profile/picture/<uuid:user_id>/", views.avatar, name="avatar"),
    path("organization/logo/<uuid:organization_id>/", views.logo, name="logo"),
    path("ask/", views.ask_colleagues, name="ask"),
    path("notifications/", views.notifications, name="notifications"),
    path("notifications/mails/", views.notification_mails, name="notification_mails"),
    path("notifications/read/", views.read_notifications, name="read_notifications"),
    path("notifications/<uuid:notification_id>/", views.open_notification, name="open_notification"),
]
