"""The current tenant's extension schemas: rows, who holds values of them, and their unique indexes.

A unique attribute is an index on the comparable document, made when the schema is defined, so that
uniqueness is an invariant of the database here too and costs a request no statement (decision 0024).
"""

import json
from collections.abc import Sequence
from enum import Enum
from typing import Final

from django.db import connection
from psycopg import sql as pg

from scim.extensions.models import ExtensionSchema
from scim.repository.columns import Unique
from tenants import concurrently
from tenants.current import current_tenant

_HOLDERS: Final = """
SELECT count(*) FILTER (WHERE deleted_at IS NULL), count(*) FROM scim_resource
WHERE resource_type = %s AND document ? %s
"""
_LACKING: Final = """
SELECT count(*) FROM scim_resource
WHERE deleted_at IS NULL AND resource_type = %s AND EXISTS (
    SELECT FROM jsonb_path_query(document, %s::jsonpath) AS holder(value) WHERE NOT value ? %s
)
"""
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


def defined() -> list[ExtensionSchema]:
    """The schemas in force, in the order of their creation."""
    return list(ExtensionSchema.objects.filter(removed_at=None))


def everything() -> list[ExtensionSchema]:
    """The schemas in force and those that were removed, in the order of their creation."""
    return list(ExtensionSchema.objects.all())


def find(urn: str) -> ExtensionSchema | None:
    """The schema with that URN in any letter case, in force or removed, its row locked."""
    rows = ExtensionSchema.objects.select_for_update(no_key=True)
    return rows.filter(urn_key=urn.lower()).first()


def count_holders(resource_type: str, urn: str) -> tuple[int, int]:
    """How many resources hold values of the schema: those that are not deleted, and all."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS, [resource_type, urn])
        live, everyone = cursor.fetchone()
    return live, everyone


def count_lacking(resource_type: str, keys: Sequence[str], name: str) -> int:
    """How many resources that are not deleted have an object at `keys` without the member `name`.

    No keys are the resource itself; each value of an array counts as such an object.
    """
    path = "$" + "".join(f".{json.dumps(key)}[*]" for key in keys)
    with connection.cursor() as cursor:
        cursor.execute(_LACKING, [resource_type, path, name])
        return int(cursor.fetchone()[0])


def find_indexes() -> dict[str, bool]:
    """The names of the unique indexes that there are, and whether each holds all values."""
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES)
        return dict(cursor.fetchall())


class Reach(Enum):
    """How far the caller's own transaction has used resources: a concurrent statement on their
    indexes would wait for it.
    """

    NOTHING = "nothing"  # indexes can be built and dropped concurrently
    READ = "read"  # they can be built
    WRITTEN = "written"  # neither, nor need it: nobody writes beside the caller for long


def reach() -> Reach:
    """How far the caller's own transaction has come."""
    with connection.cursor() as cursor:
        cursor.execute(_OWN_LOCKS)
        modes = {mode for (mode,) in cursor.fetchall()}
    if modes - _OF_READERS:
        return Reach.WRITTEN
    return Reach.READ if modes else Reach.NOTHING


def build(unique: Unique, *, name: str, within: bool) -> None:
    """Has the database hold the attribute unique, without holding off writers. Raises IntegrityError.

    `within`: in the caller's transaction, which then holds them off until it ends. What fails
    outside of it leaves an index that is not valid.
    """
    parts = {
        "keys": pg.Literal(unique.keys),
        "resource_type": pg.Literal(unique.resource_type),
        "name": pg.Identifier(name),
    }
    _execute(_CREATE, within=within, table=_table(), **parts)


def drop(name: str, *, within: bool) -> None:
    """Drops an index, if it is there; by default without holding off anybody."""
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
