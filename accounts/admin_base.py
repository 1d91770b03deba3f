"""What every admin of an organization's rows derives from."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts.audit import record_audit
from accounts.models import Organization
from accounts.permissions import may
from accounts.querysets import OrganizationQuerySet


def _comparable(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | type(None)) else str(value)


class OrganizationModelAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is not typed
    """Rows of the organization that the person works in; a superuser sees those of all.

    Who may look, change, add and delete comes from the permission table: a class attribute names the permission, and
    None (the default for everything but looking) denies. A superuser is bound to None as well: what the admin does not
    offer nobody does there. References offer rows of the same organization only, and every change leaves an audit
    event.
    """

    view_permission: ClassVar[str]
    change_permission: ClassVar[str | None] = None
    add_permission: ClassVar[str | None] = None
    delete_permission: ClassVar[str | None] = None
    list_fullwidth = True
    show_full_result_count = False

    def _allowed(self, request: HttpRequest, permission: str | None) -> bool:
        if permission is None or not request.user.is_authenticated or not request.user.is_active:
            return False
        return request.user.is_superuser or may(getattr(request, "membership", None), permission)

    def _is_within(self, request: HttpRequest, obj: models.Model | None) -> bool:
        if obj is None or request.user.is_superuser:
            return True
        organization = getattr(request, "organization", None)
        return organization is not None and getattr(obj, "organization_id", None) == organization.pk

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._allowed(request, self.view_permission)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self._allowed(request, self.view_permission) and self._is_within(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self._allowed(request, self.change_permission) and self._is_within(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._allowed(request, self.add_permission)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self._allowed(request, self.delete_permission) and self._is_within(request, obj)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Addresses filter by what is shown alone: ``?password__startswith=`` would give a hash away letter by letter."""
        hidden = {field.name for field in self.model._meta.get_fields()} - set(self.fields or ())
        return lookup.partition("__")[0] not in hidden and super().lookup_allowed(lookup, value, request)

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        """A row stays with its organization: what hangs on it would be torn apart."""
        fixed = tuple(super().get_readonly_fields(request, obj))
        return (*fixed, "organization") if obj is not None and hasattr(obj, "organization_id") else fixed

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows if request.user.is_superuser else self.of_organization(rows, request)

    def of_organization(self, rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        """The rows of the current organization; none without one. Overridden where a row belongs by another way."""
        organization = getattr(request, "organization", None)
        if organization is None:
            return rows.none()
        if isinstance(rows, OrganizationQuerySet):
            return rows.for_organization(organization)
        return rows.filter(organization=organization)

    def _own_choices(self, model: type[models.Model], request: HttpRequest) -> QuerySet[Any] | None:
        organization = getattr(request, "organization", None)
        rows = model._default_manager.all()
        if request.user.is_superuser:
            return rows
        if model is Organization:
            return rows.filter(pk=organization.pk if organization else None)
        if isinstance(rows, OrganizationQuerySet):
            return rows.for_organization(organization) if organization else rows.none()
        if model._meta.label == "accounts.User":
            return rows.filter(memberships__organization=organization) if organization else rows.none()
        return None

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        choices = self._own_choices(db_field.related_model, request)
        if choices is not None and "queryset" not in kwargs:
            kwargs["queryset"] = choices
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        choices = self._own_choices(db_field.related_model, request)
        if choices is not None and "queryset" not in kwargs:
            kwargs["queryset"] = choices
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, and append what changed to the audit trail."""
        if not change and hasattr(obj, "organization_id") and obj.organization_id is None:
            obj.organization = request.organization  # type: ignore[attr-defined]
        before = type(obj)._default_manager.filter(pk=obj.pk).first() if change else None
        names = [name for name in form.changed_data if hasattr(obj, name)]
        if change:
            concrete = [
                name
                for name in names
                if obj._meta.get_field(name).concrete and not obj._meta.get_field(name).many_to_many
            ]
            obj.save(update_fields=concrete) if concrete else None
        else:
            super().save_model(request, obj, form, change)
        record_audit(
            f"{obj._meta.model_name}.{'changed' if change else 'created'}", obj, by=request.user,  # type: ignore[arg-type]
            changes={name: [_comparable(getattr(before, name, None)), _comparable(getattr(obj, name))] for name in names},
        )  # fmt: skip

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        record_audit(f"{obj._meta.model_name}.deleted", obj, by=request.user)  # type: ignore[arg-type]
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    def log_addition(self, *args: Any, **kwargs: Any) -> None:
        """The audit trail holds it."""

    log_change = log_addition
    log_deletions = log_addition
