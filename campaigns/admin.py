"""Campaigns in the admin."""

from django.contrib import admin

from accounts.admin_base import OrganizationModelAdmin
from campaigns.models import Campaign


@admin.register(Campaign)
class CampaignAdmin(OrganizationModelAdmin):
    view_permission = "campaigns.view"
    change_permission = "campaigns.edit"
    add_permission = "campaigns.edit"
    delete_permission = "campaigns.edit"
    list_display = ("name", "organization", "starts_on", "ends_on", "owner", "is_archived")
    list_filter = ("is_archived",)
    list_select_related = ("organization", "owner")
    search_fields = ("name", "goal")
    fields = ("organization", "name", "goal", "starts_on", "ends_on", "colour", "owner", "is_archived", "created_at")
    readonly_fields = ("created_at",)
