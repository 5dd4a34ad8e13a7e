"""One tenant taken out into a file, and put back: the same one, elsewhere, or a copy of its people.

Taken out in one repeatable-read transaction, so that the file is the tenant at one moment, whatever is
written meanwhile. Put back in one transaction, so that it is there as a whole or not at all; other tenants
are not touched. A file of an older version of the program is put into tables as they were then, which are
migrated afterwards. The tenant keeps its id, to which secret tokens and sealed secrets are bound.

Called by accounts.actions only, which ask for permission and write the audit log.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connection, models, transaction
from django.utils.crypto import salted_hmac
from psycopg import sql

from tenants import archive, clock, lifecycle, numbers, recordings, schemas
from tenants.archive import Manifest, Part, Reader, Writer
from tenants.current import in_public, in_tenant
from tenants.errors import TenantRefused
from tenants.models import Mail, Tenant
from tenants.recordings import Lacking

# Tables that a copy for another purpose gets: people, groups and what happened to them, and the logo. No
# account, credential, session or receiver of events.
PEOPLE: Final = frozenset(
    {
        "scim_resource",
        "scim_membership",
        "scim_extensionschema",
        "scim_provisioningevent",
        "scim_attributechange",
        "accounts_logo",
    }
)
_APPLIED: Final = "SELECT app, name FROM django_migrations ORDER BY id"
_ISOLATION: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# Columns that are not computed, in their order, by table.
_COLUMNS: Final = """
SELECT relname, array_agg(attname::text ORDER BY attnum)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'p')
    AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
GROUP BY relname ORDER BY relname
"""
# Indexes of a tenant's own schemas are made outside of migrations (decision 0024).
_INDEXES: Final = r"""
SELECT indexdef FROM pg_indexes
WHERE schemaname = %s AND indexname LIKE 'scim\_extension\_%%' ORDER BY indexname
"""
_INDEX: Final = re.compile(
    r"CREATE UNIQUE INDEX (scim_extension_[a-z0-9_]+) ON [a-z0-9_]+\.scim_resource USING btree (.+)",
    re.DOTALL,
)
_IDENTITIES: Final = """
SELECT attname::text FROM pg_attribute
WHERE attrelid = %s::regclass AND attidentity <> '' AND NOT attisdropped
"""
_SALT: Final = "tenants.backup"
# Not of the tenant's row: made anew, or chosen where it is put back.
_OWN: Final = frozenset({"custom_domain", "schema_name", "delete_after"})


def write(tenant: Tenant, path: Path, only: Collection[str] | None = None) -> Manifest:
    """Take the tenant out into a new file; with `only`, these tables and nothing of the registry.

    Opens a transaction; within one of the caller's, `hold_still` first. Raises TenantRefused for a file
    that cannot be written.
    """
    with archive.writing(path) as file, at_one_moment(tenant):
        tables = tuple(
            _table(file, tenant, name, columns)
            for name, columns in _rows(_COLUMNS, tenant.schema_name)
            if name != recordings.TABLE and (only is None or name in only)
        )
        registry = tuple(_of_registry(file, tenant)) if only is None else ()
        manifest = Manifest(
            made_at=clock.now().isoformat(),
            tenant=_fields(tenant),
            key=_keys(tenant)[0],
            migrations=tuple(_rows(_APPLIED)),
            indexes=tuple(definition for (definition,) in _rows(_INDEXES, tenant.schema_name)),
            tables=tables,
            registry=registry,
        )
        file.finish(manifest)
    return manifest


@contextmanager
def at_one_moment(tenant: Tenant) -> Iterator[None]:
    """A transaction in the tenant that reads what was there when it began; a savepoint within another."""
    is_first = not connection.in_atomic_block
    with in_tenant(tenant):
        if is_first:
            _execute(_ISOLATION)
        yield


def hold_still(tenant: Tenant) -> None:
    """Wait for those who change the tenant, and have others wait until the transaction ends."""
    with in_tenant(tenant):
        schemas.lock(tenant.schema_name, "SHARE")


def check(path: Path) -> Manifest:
    """The manifest of a file that is whole. Raises TenantRefused."""
    with archive.reading(path) as file:
        return file.manifest


def restore(path: Path, custom_domain: str = "") -> tuple[Tenant, bool]:
    """The tenant of the file, put back at its own or at that custom domain, and True if sealed secrets
    can be opened, because SECRET_KEY, or one of SECRET_KEY_FALLBACKS, is that of the file.

    Raises TenantRefused, and then nothing has changed.
    """
    with archive.reading(path) as file:
        row = dict(file.manifest.tenant)
        _check_version(file.manifest)
        label = custom_domain or str(row["custom_domain"])
        kept = {name: value for name, value in row.items() if name not in _OWN}
        with in_public(), transaction.atomic():
            if Tenant.objects.filter(pk=row["id"]).exists():
                raise TenantRefused(
                    "backup.present",
                    f"The tenant of this file is here: delete it first, or make a copy of it with"
                    f" `tenant clone {row['custom_domain']} …`.",
                )
            lacks = Lacking(frozenset(file.manifest.migrations), has_table=False)
            tenant = lifecycle.put_back(label, kept, lacks)
            _fill(file, tenant)
            missing = recordings.known() - lacks.migrations
            if missing:
                schemas.migrate(tenant.schema_name, Lacking(missing))
            _load_registry(file, tenant)
        return tenant, file.manifest.key in _keys(tenant)


def copy_people(path: Path, tenant: Tenant) -> None:
    """Put users, groups and what happened to them from the file into a new, empty tenant.

    Raises TenantRefused.
    """
    with archive.reading(path) as file, transaction.atomic():
        _check_version(file.manifest)
        _fill(file, tenant)
        revision = file.manifest.tenant["schemas_revision"]
        if revision:
            lifecycle.set_schemas_revision(tenant, UUID(revision))
        lifecycle.set_logo(tenant, file.manifest.tenant.get("logo", ""))


def _check_version(manifest: Manifest) -> None:
    if not frozenset(manifest.migrations) <= recordings.known():
        raise TenantRefused(
            "backup.newer",
            "The file is of a newer version of the program: upgrade this one first.",
        )


def _table(file: Writer, tenant: Tenant, name: str, columns: list[str]) -> Part:
    return file.add(archive.table_path(name), name, columns, _copied(tenant, name, columns))


def _copied(tenant: Tenant, name: str, columns: Iterable[str]) -> Iterator[bytes]:
    statement = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.Identifier(tenant.schema_name, name),
    )
    with connection.cursor() as cursor, cursor.copy(statement) as blocks:
        yield from map(bytes, blocks)


def _fill(file: Reader, tenant: Tenant) -> None:
    """Load the tables of the file into the tenant's schema, and make the indexes that they had."""
    with in_tenant(tenant):
        _execute("SET CONSTRAINTS ALL DEFERRED")
        for part in file.manifest.tables:
            _load(file, tenant, part)
        for definition in file.manifest.indexes:
            _make_index(tenant, definition)


def _load(file: Reader, tenant: Tenant, part: Part) -> None:
    table = sql.Identifier(tenant.schema_name, part.name)
    columns = sql.SQL(", ").join(map(sql.Identifier, part.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(table, columns)
    with connection.cursor() as cursor, cursor.copy(statement) as rows:
        for block in file.blocks(archive.table_path(part.name)):
            rows.write(block)
    name = f"{tenant.schema_name}.{part.name}"
    for (column,) in _rows(_IDENTITIES, name):
        highest = sql.SQL("SELECT max({}) FROM {}").format(sql.Identifier(column), table)
        with connection.cursor() as cursor:
            cursor.execute(highest)
            (last,) = cursor.fetchone()
        numbers.go_on(name, column, last)


def _make_index(tenant: Tenant, definition: str) -> None:
    """Make an index like one that a file tells of: of this form, in this schema, and nothing else."""
    match = _INDEX.fullmatch(definition)
    if match is None:
        raise TenantRefused("backup.damaged", "The file has an index that no tenant has.")
    table = sql.Identifier(tenant.schema_name, "scim_resource")
    statement = sql.SQL("CREATE UNIQUE INDEX {} ON {} USING btree {}").format(
        sql.Identifier(match[1]), table, sql.SQL(match[2])
    )
    with connection.cursor() as cursor:
        # Prepared: PostgreSQL then takes one statement and no more.
        cursor.cursor.execute(statement, prepare=True)


def _of_registry(file: Writer, tenant: Tenant) -> Iterator[Part]:
    for model in _registry_models():
        name = model._meta.model_name or ""  # noqa: SLF001  # Django's documented name
        rows = model._default_manager.filter(tenant=tenant).order_by("pk")  # noqa: SLF001
        lines = (
            json.dumps(_fields(row), cls=DjangoJSONEncoder, ensure_ascii=False).encode() + b"\n"
            for row in rows
        )
        yield file.add(archive.registry_path(name), name, (), lines)


def _load_registry(file: Reader, tenant: Tenant) -> None:
    """Put back the rows about the tenant. Raises TenantRefused when a host name is taken."""
    known = {model._meta.model_name: model for model in _registry_models()}  # noqa: SLF001
    for part in file.manifest.registry:
        model = known.get(part.name)
        text = b"".join(file.blocks(archive.registry_path(part.name))).decode()
        rows = [json.loads(line) for line in text.splitlines()]
        if model is not None and rows:
            _insert(model, rows, tenant)


def _insert(model: type[models.Model], rows: list[dict[str, Any]], tenant: Tenant) -> None:
    fields = {field.attname: field for field in model._meta.concrete_fields}  # noqa: SLF001
    made = [
        model(
            **{
                name: fields[name].to_python(value)
                for name, value in row.items()
                if name in fields and not isinstance(fields[name], models.AutoField)
            }
        )
        for row in rows
    ]
    try:
        with in_public(), transaction.atomic():
            model._default_manager.bulk_create(made)  # noqa: SLF001
    except IntegrityError as error:
        raise TenantRefused(
            "tenant.domain-taken",
            f"An additional host name of {tenant} is taken: remove it from the other tenant first.",
        ) from error


def _registry_models() -> list[type[models.Model]]:
    """The models of the registry with rows about a tenant; e-mails on their way stay behind."""
    found = apps.get_app_config("tenants").get_models()
    return [model for model in found if model is not Mail and _is_about_a_tenant(model)]


def _is_about_a_tenant(model: type[models.Model]) -> bool:
    return any(field.name == "tenant" for field in model._meta.concrete_fields)  # noqa: SLF001


def _fields(row: models.Model) -> dict[str, Any]:
    """The columns of the row, as JSON can say them."""
    fields = row._meta.concrete_fields  # noqa: SLF001
    values = {field.attname: getattr(row, field.attname) for field in fields}
    found: dict[str, Any] = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return found


def _keys(tenant: Tenant) -> list[str]:
    """The digests that name SECRET_KEY, then the former keys, for the tenant."""
    known = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    value = str(tenant.id)
    return [salted_hmac(_SALT, value, each, algorithm="sha256").hexdigest()[:16] for each in known]


def _rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return list(cursor.fetchall())


def _execute(statement: str | sql.Composable, parameters: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
