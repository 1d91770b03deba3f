from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "connections"
    verbose_name = "Connections"

    def ready(self) -> None:
        from accounts.audit_words import register_actions
        from connections import asking, checks  # noqa: F401  (they register requests and settings checks)
        from connections.platforms import load_platforms
        from connections.words import ACTIONS

        register_actions(ACTIONS)
        load_platforms()
