"""What may happen to campaigns."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import record_audit
from accounts.errors import Conflict
from accounts.models import Organization, User
from campaigns.models import Campaign

EDITABLE = ("name", "goal", "starts_on", "ends_on", "colour", "owner", "is_archived")


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | str | type(None)) else str(value)


def _save(campaign: Campaign, fields: list[str] | None) -> None:
    try:
        with transaction.atomic():
            campaign.save(update_fields=fields) if fields else campaign.save()
    except IntegrityError as error:
        if "campaign_ends_after_start" in str(error):
            raise Conflict(_("The campaign ends before it starts."), field="ends_on") from error
        raise Conflict(_("Another campaign has this name."), field="name") from error


@transaction.atomic
def create_campaign(organization: Organization, *, by: User, **fields: Any) -> Campaign:
    """A new campaign, owned by ``by`` unless an ``owner`` is named. Raises Conflict when the name is taken."""
    campaign = Campaign(organization=organization, **{"owner": by} | fields)
    _save(campaign, None)
    record_audit("campaign.created", campaign, by=by)
    return campaign


@transaction.atomic
def update_campaign(campaign: Campaign, *, by: User, **changes: Any) -> Campaign:
    """Change some of ``EDITABLE``; archiving is ``is_archived=True``. Raises Conflict when the name is taken."""
    row = Campaign.objects.select_for_update().get(pk=campaign.pk)
    before = {name: getattr(row, name) for name in changes}
    for name, value in changes.items():
        setattr(row, name, value)
    changed = [name for name in changes if before[name] != changes[name]]
    if changed:
        _save(row, changed)
        pairs = {name: [_plain(before[name]), _plain(changes[name])] for name in changed}
        record_audit("campaign.changed", row, by=by, changes=pairs)
    return row


@transaction.atomic
def delete_campaign(campaign: Campaign, *, by: User) -> None:
    """Delete a campaign; its posts stay, without one."""
    record_audit("campaign.deleted", campaign, by=by)
    campaign.delete()
