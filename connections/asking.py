"""What people can ask those who may manage connections for."""

from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.asking import Subject, Topic, register_topic
from accounts.models import Organization
from connections.models import SocialConnection


def _connection(organization: Organization, sent: str) -> Subject | None:
    try:
        connection_id = UUID(sent)
    except ValueError:
        return None
    connection = SocialConnection.objects.for_organization(organization).filter(pk=connection_id).first()
    if connection is None:
        return None
    return Subject(connection, reverse("connections:detail", args=[connection.pk]), str(connection))


def _connections(organization: Organization, _sent: str) -> Subject:
    return Subject(organization, reverse("connections:list"))


register_topic(
    Topic(
        "reconnect", "connections.manage", button=_("Ask to reconnect"), who=_("%(names)s can reconnect this account."),
        title=_("%(person)s asks you to reconnect %(subject)s"), find=_connection,
    )
)  # fmt: skip
register_topic(
    Topic(
        "connect", "connections.manage", button=_("Ask to connect an account"), who=_("%(names)s can connect accounts."),
        title=_("%(person)s asks you to connect an account"), find=_connections,
    )
)  # fmt: skip
