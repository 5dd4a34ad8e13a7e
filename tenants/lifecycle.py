"""The life of a tenant: created with its schema, suspended, resumed, renamed, removed; its host names.

Called by accounts.actions only, which ask for permission and write the audit log. A refusal is a
TenantRefused with a sentence for the person at the screen or command. Every function works inside
the caller's transaction or makes its own, and leaves the connection directed to where it was.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from psycopg.errors import DuplicateSchema, UniqueViolation

from tenants import hostnames, schemas
from tenants.current import in_public
from tenants.errors import TenantRefused, about
from tenants.models import Domain, Status, Tenant
from tenants.recordings import Lacking

NAME_LENGTH: Final = 200
OPERATOR_NAME: Final = "myPolicies staff"


def create_tenant(custom_domain: str, name: str) -> Tenant:
    """A new tenant with its schema: row, schema and tables in one transaction, all or nothing."""
    with about("custom_domain"):
        label = hostnames.read_custom_domain(custom_domain)
    name = name.strip()
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        with about("name"):
            raise TenantRefused(
                "action.text", f"The name must be one line of 1 to {NAME_LENGTH} characters."
            )
    with about("custom_domain"):
        return _create(Tenant(custom_domain=label, name=name, schema_name=_schema_for(label)))


def create_operator_tenant() -> Tenant:
    """The staff tenant, made at the first call."""
    with in_public():
        operator = Tenant.objects.filter(is_operator=True).first()
    return operator or _create(
        Tenant(
            custom_domain=hostnames.OPERATOR_CUSTOM_DOMAIN,
            name=OPERATOR_NAME,
            schema_name=hostnames.OPERATOR_SCHEMA,
            is_operator=True,
        )
    )


def put_back(custom_domain: str, fields: Mapping[str, Any], lacks: Lacking) -> Tenant:
    """A tenant of a backup with its empty schema, as it was after those migrations."""
    known = {field.attname: field for field in Tenant._meta.concrete_fields}  # noqa: SLF001
    row = {name: known[name].to_python(value) for name, value in fields.items() if name in known}
    if row["is_operator"]:
        return _create(
            Tenant(
                custom_domain=hostnames.OPERATOR_CUSTOM_DOMAIN,
                schema_name=hostnames.OPERATOR_SCHEMA,
                **row,
            ),
            lacks,
        )
    with about("custom_domain"):
        label = hostnames.read_custom_domain(custom_domain)
        return _create(Tenant(custom_domain=label, schema_name=_schema_for(label), **row), lacks)


def rename(tenant: Tenant, custom_domain: str) -> None:
    """Serve the tenant at another custom domain, and no longer at the former one.

    Its schema keeps its name, so that no statement of a running request misses it.
    """
    if tenant.is_operator:
        raise TenantRefused("tenant.staff", "The staff tenant cannot be renamed.")
    with about("custom_domain"):
        label = hostnames.read_custom_domain(custom_domain)
        taken = TenantRefused("tenant.domain-taken", f"The custom domain {label} is taken.")
        with in_public(), _refusing({UniqueViolation: taken}):
            tenant.custom_domain = label
            tenant.save(update_fields=["custom_domain"])


def delete_later(tenant: Tenant, after: datetime) -> None:
    """Suspend a tenant, and have it removed after that moment unless it is resumed before."""
    suspend(tenant)
    tenant.delete_after = after
    with in_public():
        tenant.save(update_fields=["delete_after"])


def remove(tenant: Tenant) -> None:
    """Remove a tenant with everything that it has, in the caller's transaction."""
    if tenant.is_operator:
        raise TenantRefused("tenant.staff", "The staff tenant cannot be removed.")
    with in_public(), connection.cursor() as cursor:
        # What the transaction has yet to check of a table would keep it from being dropped.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        tenant.delete(force_drop=True)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _schema_for(label: str) -> str:
    """The name of the schema for a custom domain: another one than that of a renamed tenant."""
    name = hostnames.schema_name(label)
    with in_public():
        is_taken = Tenant.objects.filter(schema_name=name).exclude(custom_domain=label).exists()
    return hostnames.another_schema_name(label, uuid4()) if is_taken else name


def _create(tenant: Tenant, lacks: Lacking | None = None) -> Tenant:
    label, schema_name = tenant.custom_domain, tenant.schema_name
    refusals: dict[type[psycopg.Error], TenantRefused] = {
        UniqueViolation: TenantRefused(
            "tenant.domain-taken", f"The custom domain {label} is taken."
        ),
        DuplicateSchema: TenantRefused(
            "tenant.schema-exists",
            f"There is a schema {schema_name} already, which belongs to no tenant.",
        ),
    }
    with in_public(), _refusing(refusals):
        tenant.save(force_insert=True)
        schemas.create(schema_name, lacks)
    return tenant


@contextmanager
def _refusing(refusals: Mapping[type[psycopg.Error], TenantRefused]) -> Iterator[None]:
    """A transaction, a savepoint within one, in which these errors of PostgreSQL are refusals."""
    try:
        with transaction.atomic():
            yield
    except DatabaseError as error:
        for violation, refusal in refusals.items():
            if isinstance(error.__cause__, violation):
                raise refusal from error
        raise


def suspend(tenant: Tenant) -> None:
    """Stop serving a tenant from the next request on; its data stay. Again: nothing."""
    if tenant.is_operator:
        raise TenantRefused("tenant.staff", "The staff tenant cannot be suspended.")
    _set_status(tenant, Status.SUSPENDED)


def resume(tenant: Tenant) -> None:
    """Serve a suspended tenant again, and remove it no more. Of one that is not suspended: nothing."""
    tenant.delete_after = None
    _set_status(tenant, Status.ACTIVE)


def _set_status(tenant: Tenant, status: Status) -> None:
    tenant.status = status
    with in_public():
        tenant.save(update_fields=["status", "delete_after"])


def set_schemas_revision(tenant: Tenant, revision: UUID | None) -> None:
    """Have every process read the tenant's SCIM schemas again, with its next request; None: it has none."""
    tenant.schemas_revision = revision
    with in_public():
        tenant.save(update_fields=["schemas_revision"])


def set_logo(tenant: Tenant, digest: str) -> None:
    """Have every process show the picture of that digest, with its next request; "": none."""
    tenant.logo = digest
    with in_public():
        tenant.save(update_fields=["logo"])


def set_sends_events(tenant: Tenant, *, sends: bool) -> None:
    """Note in the registry whether the tenant has an event stream that is sent on.

    Only the worker reads it, from the registry, so no process has to forget what it knows of the host.
    """
    with in_public():
        differing = Tenant.objects.filter(pk=tenant.pk).exclude(sends_events=sends)
        differing.update(sends_events=sends)


def set_identity_due(tenant: Tenant, at: datetime | None) -> None:
    """Note in the registry when the documents of the tenant's identity provider are read next."""
    with in_public():
        Tenant.objects.filter(pk=tenant.pk).update(identity_due_at=at)


def add_host(tenant: Tenant, host: str) -> Domain:
    """A further host name that serves the tenant; the present one when it does so already."""
    name = hostnames.read_host_name(host, settings.BASE_DOMAIN)
    with in_public():
        present: Domain | None = Domain.objects.filter(domain=name, tenant=tenant).first()
        if present is not None:
            return present
        domain = Domain(domain=name, tenant=tenant, is_primary=False)
        taken = TenantRefused("tenant.domain-taken", f"The host name {name} is taken.")
        with _refusing({UniqueViolation: taken}):
            domain.save(force_insert=True)
    return domain


def remove_host(tenant: Tenant, host: str) -> None:
    """Stop serving the tenant under a further host name."""
    name = host.strip().lower().removesuffix(".")
    with in_public():
        domain = Domain.objects.filter(domain=name, tenant=tenant).first()
        if domain is None:
            raise TenantRefused("action.not-found", f"{tenant} has no further host name {name}.")
        domain.delete()
