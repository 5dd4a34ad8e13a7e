"""The current tenant's extension schemas: rows, and what its resources hold of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from scim.extensions.models import ExtensionSchema

_HOLDERS: Final = """
SELECT count(*) FILTER (WHERE deleted_at IS NULL), count(*) FROM scim_resource
WHERE resource_type = %s AND document ? %s
"""
_LACKING: Final = """
SELECT count(*) FROM scim_resource
WHERE deleted_at IS NULL AND resource_type = %s AND EXISTS (
    SELECT 1 FROM jsonb_path_query(document, %s::jsonpath) AS holder(value) WHERE NOT value ? %s
)
"""
_DOCUMENTS: Final = """
SELECT id, document, comparable FROM scim_resource
WHERE resource_type = %(resource_type)s AND document ? %(urn)s AND id > %(after)s
ORDER BY id LIMIT %(most)s FOR NO KEY UPDATE
"""
_STORE: Final = """
UPDATE scim_resource AS r SET document = kept.document, comparable = kept.comparable
FROM jsonb_to_recordset(%s::jsonb) AS kept(id uuid, document jsonb, comparable jsonb)
WHERE r.id = kept.id
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
    """The numbers of resources with values of the schema: those that are not deleted, and all."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS, [resource_type, urn])
        live, everyone = cursor.fetchone()
    return live, everyone


def count_lacking(resource_type: str, keys: Sequence[str], name: str) -> int:
    """The number of live resources with an object at `keys` that lacks the member `name`.

    No keys are the resource itself; each value of an array counts as such an object.
    """
    path = "$" + "".join(f".{json.dumps(key)}[*]" for key in keys)
    with connection.cursor() as cursor:
        cursor.execute(_LACKING, [resource_type, path, name])
        return int(cursor.fetchone()[0])


@dataclass(frozen=True, slots=True)
class Documents:
    """The document of a resource, and the comparable one beside it."""

    id: UUID
    document: Mapping[str, Any]
    comparable: Mapping[str, Any]


def documents(resource_type: str, urn: str, chunk: int) -> Iterator[list[Documents]]:
    """The documents of resources that hold values of the schema, deleted ones included, so many at a
    time, their rows locked until the transaction ends.
    """
    after = UUID(int=0)
    while True:
        parameters: dict[str, Any] = {
            "resource_type": resource_type,
            "urn": urn,
            "after": after,
            "most": chunk,
        }
        with connection.cursor() as cursor:
            cursor.execute(_DOCUMENTS, parameters)
            rows = cursor.fetchall()
        if not rows:
            return
        yield [Documents(id_, json.loads(one), json.loads(other)) for id_, one, other in rows]
        after = rows[-1][0]


def store(changed: Sequence[Documents]) -> None:
    """Write the documents; nothing else of the resources changes."""
    if changed:
        rows = [{**asdict(each), "id": str(each.id)} for each in changed]
        with connection.cursor() as cursor:
            cursor.execute(_STORE, [json.dumps(rows, ensure_ascii=False)])
