"""The current tenant's extension schemas: rows, who holds values of them, and their unique indexes.

A unique attribute is an index on the comparable document, made when the schema is defined, so that
uniqueness is an invariant of the database here too and costs a request no statement.
"""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from django.db import connection
from psycopg import sql as pg

from scim.models import ExtensionSchema

_INDEX_PREFIX: Final = "scim_extension_"

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
_CREATE_INDEX: Final = pg.SQL("""
CREATE UNIQUE INDEX {name} ON scim_resource ((comparable #>> {keys}) COLLATE "C")
WHERE deleted_at IS NULL AND resource_type = {resource_type}
""")
_DROP_INDEX: Final = pg.SQL("DROP INDEX IF EXISTS {name}")


def defined() -> list[ExtensionSchema]:
    """The schemas in force, in the order of their creation."""
    return list(ExtensionSchema.objects.filter(removed_at=None))


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


def index_name(urn: str, attribute: str) -> str:
    """The name of the unique index of an attribute, which PostgreSQL reports when it is violated."""
    digest = sha256(f"{urn}:{attribute}".lower().encode()).hexdigest()
    return f"{_INDEX_PREFIX}{digest[:16]}"


def make_unique(resource_type: str, urn: str, attribute: str) -> None:
    """Makes the unique index of an attribute. Raises IntegrityError when two resources are equal."""
    statement = _CREATE_INDEX.format(
        name=pg.Identifier(index_name(urn, attribute)),
        keys=pg.Literal([urn, attribute]),
        resource_type=pg.Literal(resource_type),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)


def drop_unique(urn: str, attribute: str) -> None:
    """Drops the unique index of an attribute, if there is one."""
    with connection.cursor() as cursor:
        cursor.execute(_DROP_INDEX.format(name=pg.Identifier(index_name(urn, attribute))))
