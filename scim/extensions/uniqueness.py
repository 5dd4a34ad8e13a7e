"""The unique indexes of a tenant's schemas: an action changes only its own, beside all writers.

An index is built before the definition that announces it is committed, and dropped after the one
that no longer does, so that what is announced is always held. An action that fails takes back what it
built; the next one finds the leftovers of a killed action and drops them first (decision 0024).
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final
from uuid import uuid4

from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from psycopg import sql as pg

from accounts.actions.performing import ActionRefused
from scim.extensions import storage
from scim.extensions.models import ExtensionSchema
from scim.extensions.reader import read_schema
from scim.protocol.schema import Schema
from scim.repository.columns import Unique
from tenants import concurrently, rewriting
from tenants.current import current_tenant, in_tenant
from tenants.models import Tenant
from tenants.outages import is_timeout

_RANDOM: Final = 8  # hexadecimal digits of a name
_SLOW: Final = (
    "{attribute} could not be made unique in time: the tenant is large, or another transaction of the"
    " database is still open. Try again later, or use `manage.py schema define`, which has no limit."
)
_OWNER: Final = (
    "Indexes are made by the login that owns the database, which serves no screens here. Use `manage.py "
    "schema define` or `manage.py schema remove`."
)
_INDEXES: Final = r"""
SELECT relname, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid = 'scim_resource'::regclass AND relname LIKE 'scim\_extension\_%'
"""
_OWN_LOCKS: Final = """
SELECT mode FROM pg_locks
WHERE pid = pg_backend_pid() AND relation = 'scim_resource'::regclass AND granted
"""
# Of a transaction that has only read, or locked rows.
_OF_READERS: Final = frozenset({"AccessShareLock", "RowShareLock"})
_CREATE: Final = pg.SQL("""
CREATE UNIQUE INDEX {how} {name} ON {table} ((comparable #>> {keys}) COLLATE "C")
WHERE deleted_at IS NULL AND resource_type = {resource_type}
""")
_DROP: Final = pg.SQL("DROP INDEX {how} IF EXISTS {name}")
_CONCURRENTLY: Final = pg.SQL("CONCURRENTLY")
_WITHIN: Final = pg.SQL("")
_DOUBLE: Final = """
SELECT min(document #>> %(keys)s::text[]) FROM scim_resource
WHERE deleted_at IS NULL AND resource_type = %(resource_type)s
    AND comparable #>> %(keys)s::text[] IS NOT NULL
GROUP BY (comparable #>> %(keys)s::text[]) COLLATE "C" HAVING count(*) > 1 LIMIT 1
"""
_logger: Final = logging.getLogger(__name__)


class Reach(Enum):
    """The use of resources in the caller's own transaction so far: a concurrent statement on their
    indexes would wait for it.
    """

    NOTHING = "nothing"  # indexes can be built and dropped concurrently
    READ = "read"  # they can be built
    WRITTEN = "written"  # neither, nor need it: nobody writes beside the caller for long


class Building:
    """The unique indexes of one act on a tenant's schemas, whose transaction is open."""

    def __init__(self, tenant: Tenant) -> None:
        self.begun: list[str] = []  # built outside of the action's transaction
        self._tenant = tenant
        self._before: set[Unique] = set()
        self._after: set[Unique] = set()

    def begin(self, row: ExtensionSchema | None, unique: Iterable[Unique]) -> None:
        """Take in what is unique now and once the action is done, and drop what neither needs.

        `row` is the schema that the action is about, as it was; `unique` are its attributes from then on.
        """
        schemas = storage.defined()
        self._before = {each for schema in schemas for each in _uniques(schema)}
        others = {each for schema in schemas if schema != row for each in _uniques(schema)}
        self._after = others | set(unique)
        needed = {each.key for each in self._before | self._after}
        indexes = find_indexes().items()
        _discard(
            self._tenant,
            [name for name, is_valid in indexes if not is_valid or _key(name) not in needed],
        )

    def settle(self) -> None:
        """Build what is lacking, and have dropped after the commit what the action makes superfluous.

        Raises ActionRefused when two resources are equal, or when it takes too long.
        """
        indexes = find_indexes()
        held = {_key(name) for name, is_valid in indexes.items() if is_valid}
        lacking = [each for each in self._after if each.key not in held]
        past = {each.key for each in self._before - self._after}
        if (lacking or past) and not rewriting.is_permitted():
            raise ActionRefused("schema.owner", _OWNER)
        for unique in sorted(lacking, key=lambda each: each.key):
            self._build(unique)
        _discard(self._tenant, [name for name in indexes if _key(name) in past], at_once=False)

    def _build(self, unique: Unique) -> None:
        is_within = reach() is Reach.WRITTEN
        name = f"{unique.key}{uuid4().hex[:_RANDOM]}"
        if not is_within:
            self.begun.append(name)
        try:
            with transaction.atomic():
                build_index(unique, name=name, within=is_within)
        except IntegrityError:
            raise ActionRefused("schema.duplicates", _doubled(unique)) from None
        except OperationalError as error:
            if not is_timeout(error):
                raise
            raise ActionRefused("schema.slow", _SLOW.format(attribute=unique.attribute)) from error


@contextmanager
def building(tenant: Tenant) -> Iterator[Building]:
    """An action, whose transaction begins and ends inside; what it built goes again if it fails."""
    act = Building(tenant)
    try:
        yield act
    except BaseException:
        with in_tenant(tenant):
            _discard(tenant, act.begun)
        raise


def of_schema(resource_type: str, schema: Schema) -> list[Unique]:
    """The unique attributes of a schema that extends the type."""
    return [Unique(resource_type, schema.id, each.name) for each in schema.unique_attributes]


def _uniques(row: ExtensionSchema) -> list[Unique]:
    return of_schema(row.resource_type, read_schema(row.definition))


def _key(name: str) -> str:
    """The part of an index's name that stands for its attribute."""
    return name[:-_RANDOM]


def _discard(tenant: Tenant, names: list[str], *, at_once: bool = True) -> None:
    """Drop the indexes: now, or after the commit when the own transaction stands in the way or
    still needs them.

    Needs a transaction in the tenant.
    """
    if not names or not rewriting.is_permitted():
        return
    reached = reach()
    if reached is Reach.WRITTEN:
        for name in names:
            drop_index(name, within=True)
    elif at_once and reached is Reach.NOTHING:
        _drop(names)
    else:

        def drop() -> None:
            with in_tenant(tenant):
                _drop(names)

        transaction.on_commit(drop, robust=True)


def _drop(names: Iterable[str]) -> None:
    """Drop the indexes beside all writers; one that cannot be had now is left to the next action."""
    for name in names:
        try:
            drop_index(name, within=False)
        except DatabaseError as error:
            extra = {"index": name, "error": type(error).__name__}
            _logger.warning("A unique index could not be dropped.", extra=extra)


def _doubled(unique: Unique) -> str:
    """The reason why the attribute cannot be unique, with a value that is there twice.

    No value of it is a secret: an attribute that is never returned cannot be unique.
    """
    value = find_double(unique)
    named = "" if value is None else f', "{value[:100]}"'
    return (
        f"Two {unique.resource_type}s have the same {unique.attribute}{named}; it cannot be unique."
    )


def find_indexes() -> dict[str, bool]:
    """The names of the unique indexes that there are, and whether each holds all values."""
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES)
        return dict(cursor.fetchall())


def reach() -> Reach:
    """The use of resources in the caller's own transaction so far."""
    with connection.cursor() as cursor:
        cursor.execute(_OWN_LOCKS)
        modes = {mode for (mode,) in cursor.fetchall()}
    if modes - _OF_READERS:
        return Reach.WRITTEN
    return Reach.READ if modes else Reach.NOTHING


def build_index(unique: Unique, *, name: str, within: bool) -> None:
    """Make the attribute unique in the database without holding off writers. Raises IntegrityError.

    `within`: in the caller's transaction, which then holds them off until it ends. A failure
    outside of it leaves an invalid index.
    """
    parts = {
        "keys": pg.Literal(unique.keys),
        "resource_type": pg.Literal(unique.resource_type),
        "name": pg.Identifier(name),
    }
    _execute(_CREATE, within=within, table=_table(), **parts)


def drop_index(name: str, *, within: bool) -> None:
    """Drop an index, if it is there; by default without holding off anybody."""
    schema = current_tenant().schema_name
    _execute(_DROP, within=within, name=pg.Identifier(schema, name))


def find_double(unique: Unique) -> str | None:
    """A value that more than one resource has, as one of them has it; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_DOUBLE, {"keys": unique.keys, "resource_type": unique.resource_type})
        row = cursor.fetchone()
    return str(row[0]) if row else None


def _table() -> pg.Identifier:
    return pg.Identifier(current_tenant().schema_name, "scim_resource")


def _execute(template: pg.SQL, *, within: bool, **parts: pg.Composable) -> None:
    statement = template.format(how=_WITHIN if within else _CONCURRENTLY, **parts)
    if not within:
        concurrently.execute(statement)
        return
    with connection.cursor() as cursor:
        cursor.execute(statement)
