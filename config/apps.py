"""The Django admin as an application config, so that it uses our own site."""

from django.contrib.admin.apps import AdminConfig


class ParleyAdminConfig(AdminConfig):
    default_site = "config.admin_site.ParleyAdminSite"
