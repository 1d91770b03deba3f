"""The Django admin as an application config, so that it uses our own site; and this package, for its commands."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ParleyAdminConfig(AdminConfig):
    default_site = "config.admin_site.ParleyAdminSite"


class InstallationConfig(AppConfig):
    """No models: it brings what touches every app, the commands, the checks and the watchdog."""

    name = "config"

    def ready(self) -> None:
        from config import checks, watchdog  # noqa: F401  (registers checks, and a kind of notification)
