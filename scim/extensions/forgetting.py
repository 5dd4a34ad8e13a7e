"""Taking values out of stored documents, when their attributes become secret (decision 0030).

A chunk at a time, in the transaction of the act. Clients see no difference, so neither version nor
lastModified changes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

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
