"""Actions on whole tenants: taken out into a file and put back, cloned, renamed, removed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from django.db import transaction

from accounts import audit
from accounts.actions.performing import ActionRefused, authorize, note, performing, refusals
from accounts.actions.tenants import CREATE, create_tenant
from accounts.audit import Actor, Details
from tenants import backup, clock, lifecycle, rewriting
from tenants.current import in_public, in_tenant
from tenants.errors import TenantRefused
from tenants.models import LegalHold, Tenant

EXPORT: Final = "tenants.export_tenant"
DELETE: Final = "tenants.remove_tenant"
MOST_GRACE: Final = 365  # days


def backup_tenant(actor: Actor, tenant: Tenant, path: Path) -> int:
    """Take the tenant out into a new file; return its number of rows. Raises ActionRefused."""
    authorize(actor, EXPORT, tenant)
    with refusals():
        manifest = backup.write(tenant, path)
    rows = sum(part.rows for part in manifest.tables)
    with in_tenant(tenant):
        note(actor, tenant, "tenant backed up", tenant.custom_domain, {"rows": rows})
    return rows


def restore_tenant(actor: Actor, path: Path, custom_domain: str = "") -> tuple[Tenant, bool]:
    """The tenant of the file at its own or that custom domain, and True if its sealed secrets can be opened.

    Raises ActionRefused.
    """
    authorize(actor, CREATE, None)
    with refusals(), transaction.atomic():
        tenant, is_readable = backup.restore(path, custom_domain)
        with in_tenant(tenant):
            note(actor, tenant, "tenant restored", tenant.custom_domain, {"file": path.name})
    return tenant, is_readable


def clone_tenant(
    actor: Actor, tenant: Tenant, custom_domain: str, name: str, admin_email: str
) -> Tenant:
    """A new tenant with the people, groups, log and history of another one, and nothing else of it.

    Raises ActionRefused.
    """
    authorize(actor, EXPORT, tenant)
    with TemporaryDirectory() as folder, refusals():
        path = Path(folder) / "clone.zip"
        backup.write(tenant, path, backup.PEOPLE)
        with transaction.atomic():
            made = create_tenant(actor, custom_domain, name, admin_email)
            backup.copy_people(path, made)
            with in_tenant(made):
                details: Details = {"from": tenant.custom_domain}
                note(actor, made, "tenant cloned", made.custom_domain, details)
    with in_tenant(tenant):
        note(actor, tenant, "tenant cloned", tenant.custom_domain, {"to": made.custom_domain})
    return made


def rename_tenant(actor: Actor, tenant: Tenant, custom_domain: str) -> None:
    """Serve a tenant at another custom domain. Raises ActionRefused."""
    former = tenant.custom_domain
    with performing(actor, CREATE, tenant):
        lifecycle.rename(tenant, custom_domain)
        note(actor, tenant, "tenant renamed", tenant.custom_domain, {"from": former})


def archive_tenant(actor: Actor, tenant: Tenant, path: Path) -> None:
    """Take a tenant out into a new file, and remove it in the same transaction.

    Raises ActionRefused: of a tenant under legal hold, too.
    """
    with _removing(actor, tenant):
        backup.hold_still(tenant)
        backup.write(tenant, path)
        backup.check(path)
        _remove(actor, tenant, "tenant archived")


def delete_tenant(actor: Actor, tenant: Tenant, path: Path, grace_days: int) -> datetime:
    """Suspend a tenant, take it out into a new file, and have it removed after the grace.

    Return the moment. Resuming it meanwhile keeps it. Raises ActionRefused.
    """
    if not 1 <= grace_days <= MOST_GRACE:
        raise ActionRefused("action.range", f"The grace is 1 to {MOST_GRACE} days.")
    after = clock.now() + timedelta(days=grace_days)
    with _removing(actor, tenant), in_tenant(tenant):
        backup.hold_still(tenant)
        note(
            actor,
            tenant,
            "deletion of the tenant planned",
            tenant.custom_domain,
            {"after": after.isoformat(timespec="seconds")},
        )
        lifecycle.delete_later(tenant, after)
        backup.write(tenant, path)
        backup.check(path)
    return after


def tenants_to_remove() -> list[Tenant]:
    """The tenants whose grace is over; none for a role that may not remove them."""
    with in_public():
        if not rewriting.is_permitted():
            return []
        return list(Tenant.objects.filter(delete_after__lte=clock.now(), is_operator=False))


def remove_deleted(tenant: Tenant) -> bool:
    """Remove a tenant whose grace is over; False when somebody keeps it, or has removed it."""
    with in_public(), transaction.atomic():
        rows = Tenant.objects.select_for_update(skip_locked=True)
        found = rows.filter(pk=tenant.pk, delete_after__lte=clock.now()).first()
        if found is None or _is_held(found):
            return False
        _remove(Actor("retention"), found, "tenant deleted")
    return True


@contextmanager
def _removing(actor: Actor, tenant: Tenant) -> Iterator[None]:
    """A transaction in which an actor who may removes a tenant that nobody holds."""
    authorize(actor, DELETE, tenant)
    with refusals(), transaction.atomic():
        if tenant.is_operator:
            raise TenantRefused("tenant.staff", "The staff tenant cannot be removed.")
        if _is_held(tenant):
            raise ActionRefused("tenant.held", f"{tenant} is under legal hold.")
        yield


def _is_held(tenant: Tenant) -> bool:
    with in_public():
        return LegalHold.objects.filter(tenant=tenant, lifted_at=None).exists()


def _remove(actor: Actor, tenant: Tenant, act: str) -> None:
    """Remove the tenant, and tell the audit log of staff, which is all that is left."""
    details: Details = {"id": str(tenant.pk), "name": tenant.name}
    lifecycle.remove(tenant)
    with in_public():
        operator = Tenant.objects.filter(is_operator=True).first()
    if operator is not None:
        with in_tenant(operator):
            audit.record(actor, act, tenant.custom_domain, details)
