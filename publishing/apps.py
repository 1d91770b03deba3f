from django.apps import AppConfig


class PublishingConfig(AppConfig):
    name = "publishing"
    verbose_name = "Publishing"

    def ready(self) -> None:
        from accounts.audit_words import register_actions
        from publishing import handlers, zone_moves  # noqa: F401  (listen to what apps below announce)
        from publishing.history import ACTIONS

        register_actions(ACTIONS)
