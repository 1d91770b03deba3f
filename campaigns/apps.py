from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Campaigns"

    def ready(self) -> None:
        from accounts.audit_words import register_actions

        register_actions(
            {
                "campaign.created": gettext_lazy("Created"),
                "campaign.changed": gettext_lazy("Changed"),
                "campaign.deleted": gettext_lazy("Deleted"),
            }
        )
