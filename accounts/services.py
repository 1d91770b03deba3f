"""What may happen to organizations, their members and people."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.audit import Actor, record_audit
from accounts.errors import Conflict, LastOwner, NotAllowed
from accounts.events import zone_asked, zone_changed
from accounts.models import Membership, Organization, User
from accounts.permissions import Role, may


@transaction.atomic
def create_organization(name: str, *, time_zone: str = "UTC", by: User) -> Organization:
    """A new organization that ``by`` owns. Its short name comes from the name, with a number when that is taken."""
    name = name.strip()
    stem = slugify(name)[:50].strip("-") or "organization"
    for number in range(1, 1000):
        slug = stem if number == 1 else f"{stem}-{number}"
        if Organization.objects.filter(slug=slug).exists():
            continue
        try:
            with transaction.atomic():
                organization = Organization.objects.create(name=name, slug=slug, time_zone=time_zone)
        except IntegrityError:
            continue
        break
    else:
        raise Conflict(_("Too many organizations have this name. Choose another."), field="name")
    membership = Membership.objects.create(organization=organization, user=by, role=Role.OWNER)
    record_audit("organization.created", organization, by=by, organization=organization)
    record_audit("member.added", membership, by=by, changes={"role": [None, Role.OWNER]})
    return organization


def moments_shown_anew(organization: Organization, zone: str) -> list[datetime]:
    """When (aware, in order) what is scheduled goes out that would stand at another wall time in the zone."""
    answers: list[tuple[Any, Any]] = zone_asked.send(Organization, organization=organization, zone=zone)
    return sorted(moment for _receiver, moments in answers for moment in moments)


@transaction.atomic
def update_organization(
    organization: Organization, *, by: Actor, keep_wall_times: bool = False, **changes: Any
) -> Organization:
    """Change name, slug, time_zone, language or logo.

    With another zone scheduled posts keep their moments and stand at other wall times; ``keep_wall_times`` moves them to
    the moments at which their wall times come there. Raises Conflict when the short name is taken, and what a post
    raises that cannot be moved.
    """
    row = Organization.objects.select_for_update().get(pk=organization.pk)
    before = {name: getattr(row, name) for name in changes}
    for name, value in changes.items():
        setattr(row, name, value)
    try:
        with transaction.atomic():
            row.save(update_fields=list(changes))
    except IntegrityError as error:
        raise Conflict(_("Another organization has this short name."), field="slug") from error
    changed = {
        name: [str(before[name]), str(getattr(row, name))] for name in changes if before[name] != getattr(row, name)
    }
    if changed:
        record_audit("organization.changed", row, by=by, organization=row, changes=changed)
    if keep_wall_times and "time_zone" in changed:
        zone_changed.send(Organization, organization=row, before=before["time_zone"], by=by)
    return row


def role_of(user: User, organization: Organization) -> Membership | None:
    return Membership.objects.for_organization(organization).filter(user=user).first()


def require_may_grant(organization: Organization, role: str, *, by: User) -> None:
    """Raises NotAllowed unless ``by`` may give (or take) the role here: only owners make or change owners."""
    membership = role_of(by, organization)
    if not may(membership, "members.manage"):
        raise NotAllowed(_("Your role doesn't allow you to manage members."))
    if role == Role.OWNER and not may(membership, "owners.manage"):
        raise NotAllowed(_("Only an owner can add or change owners."))


def _lock_owners(organization: Organization) -> list[Membership]:
    """The owners, locked in one order, so that two changes at once cannot each take the other one's last owner."""
    return list(
        Membership.objects.for_organization(organization).select_for_update().filter(role=Role.OWNER).order_by("pk")
    )


@transaction.atomic
def change_role(membership: Membership, role: str, *, by: User) -> Membership:
    """Give a member another role. Raises NotAllowed, LastOwner."""
    owners = _lock_owners(membership.organization)
    row = Membership.objects.select_for_update().select_related("organization", "user").get(pk=membership.pk)
    require_may_grant(row.organization, role, by=by)
    require_may_grant(row.organization, row.role, by=by)
    if row.role == role:
        return row
    if row.role == Role.OWNER and len(owners) == 1:
        raise LastOwner(_("This is the last owner. Make someone else an owner first."), field="role")
    before, row.role = row.role, role
    row.save(update_fields=["role"])
    record_audit("member.role_changed", row, by=by, changes={"role": [before, role]})
    return row


@transaction.atomic
def remove_member(membership: Membership, *, by: User) -> None:
    """Take a person out of the organization; anybody may leave by themselves. Raises NotAllowed, LastOwner."""
    owners = _lock_owners(membership.organization)
    row = Membership.objects.select_for_update().select_related("organization", "user").get(pk=membership.pk)
    if row.user_id != by.pk:
        require_may_grant(row.organization, row.role, by=by)
    if row.role == Role.OWNER and len(owners) == 1:
        raise LastOwner(_("This is the last owner. Make someone else an owner first."))
    record_audit("member.removed", row, by=by, changes={"role": [row.role, None]})
    row.delete()
