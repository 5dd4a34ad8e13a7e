"""The comparable value of an attribute in SQL: a column, or a path in the JSON.

A table from attribute to expression. All other attributes are read from the column `comparable`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from scim.protocol.representation import location
from scim.protocol.schema import Located, ResourceType
from scim.protocol.urns import GROUP_TYPE, USER_TYPE
from scim.repository import relations
from scim.repository.sql import Parameter, Sql, sql

_INDEX_PREFIX: Final = "scim_extension_"
COMPARABLE: Final = Sql("comparable")

# As scim.protocol.comparison.date_time_key writes a time.
_DATE_TIME_KEY: Final = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'


@dataclass(frozen=True, slots=True)
class Column:
    """An SQL expression for an attribute and the SQL type that its literals are cast to."""

    expression: Sql
    type: str = "text"


# Text columns of the table compare by code point already; computed text says so itself.
ID: Final = Column(Sql('(id::text COLLATE "C")'))
EXTERNAL_ID: Final = Column(Sql("external_id"))

# Keys are (attribute, sub-attribute) of the core schema and the common attributes.
_COLUMNS: Final[Mapping[tuple[str, str | None], Column]] = {
    ("id", None): ID,
    ("externalId", None): EXTERNAL_ID,
    ("active", None): Column(Sql("active"), "boolean"),
    ("displayName", None): Column(Sql("display_name")),
    ("name", "familyName"): Column(Sql("family_name")),
    ("meta", None): Column(Sql("TRUE"), "boolean"),  # not stored, and never unassigned
    ("meta", "resourceType"): Column(Sql('(resource_type COLLATE "C")')),
    ("meta", "created"): Column(Sql("created"), "timestamptz"),
    ("meta", "lastModified"): Column(Sql("last_modified"), "timestamptz"),
    ("meta", "version"): Column(Sql("""('W/"' || version || '"' COLLATE "C")""")),
}
# Attributes that `eq` finds by an index, whatever the size of the tenant: advice for a filter that
# takes too long.
LOOKED_UP: Final[Mapping[str, Sequence[str]]] = {
    USER_TYPE: (
        "id",
        "userName",
        "externalId",
        "emails.value",
        "displayName",
        "name.familyName",
        "groups.value",
    ),
    GROUP_TYPE: ("id", "externalId", "displayName", "members.value"),
}
UNIQUE_KEY: Final = Column(Sql("unique_key"))
# Sorted by, an id is what its index has; its text has the same order.
ID_IN_ORDER: Final = Column(Sql("id"), "uuid")
# Columns in which a value is not expected twice.
SINGLE: Final = (ID, EXTERNAL_ID, UNIQUE_KEY)
# The order without sortBy: none, so that the id decides.
UNSORTED: Final = Column(Sql("NULL::text"))
# Columns in whose order an index leads through all rows.
ORDERED: Final = frozenset(
    {
        UNSORTED,
        ID_IN_ORDER,
        UNIQUE_KEY,
        EXTERNAL_ID,
        _COLUMNS["displayName", None],
        _COLUMNS["name", "familyName"],
        _COLUMNS["meta", "lastModified"],
    }
)


@dataclass(frozen=True, slots=True)
class Unique:
    """An attribute of an extension schema whose value only one resource of the type may have."""

    resource_type: str
    urn: str
    attribute: str

    @property
    def key(self) -> str:
        """The beginning of the name of its index; the rest is random, so that a new index can be
        built beside one that is broken.
        """
        text = f"{self.resource_type}:{self.urn}:{self.attribute}".lower()
        return f"{_INDEX_PREFIX}{sha256(text.encode()).hexdigest()[:16]}_"

    @property
    def keys(self) -> list[str]:
        return [self.urn, self.attribute]


def rank(resource_type: ResourceType, located: Located) -> int | None:
    """The place of the attribute in LOOKED_UP, the best first; None if it is not there."""
    sub = located.sub or located.attribute.find("value")
    name = f"{located.attribute.name}.{sub.name}" if sub else located.attribute.name
    names = LOOKED_UP[resource_type.name]
    return names.index(name) if located.extension is None and name in names else None


def is_unique_index(name: str | None) -> bool:
    """True for the name of an index of ours, which PostgreSQL reports when it is violated."""
    return name is not None and name.startswith(_INDEX_PREFIX)


def find_column(resource_type: ResourceType, located: Located, tenant_url: str) -> Column | None:
    """The column that holds the attribute's comparable value, None when only the JSON does."""
    if located.extension is not None:
        return None
    if located.sub is None and located.attribute is resource_type.unique_attribute:
        return UNIQUE_KEY
    key = (located.attribute.name, located.sub.name if located.sub else None)
    if key == ("meta", "location"):
        prefix = location(resource_type, "", tenant_url)
        return Column(sql('({} || id::text COLLATE "C")', Parameter(prefix)))
    return _COLUMNS.get(key)


def values(resource_type: ResourceType, located: Located, tenant_url: str) -> Sql:
    """The comparable JSON of a whole attribute, an array if multi-valued; NULL when unassigned."""
    if located.attribute.relation is not None:
        return relations.comparable(located.attribute)
    if located.keys == ("schemas",):
        return _schemas(resource_type)
    if located.keys == ("meta",):
        return _meta(location(resource_type, "", tenant_url))
    return as_json(COMPARABLE, located.keys)


def _meta(prefix: str) -> Sql:
    """`meta` is not stored either; its times are written as they are compared."""
    return sql(
        """jsonb_build_object(
            'resourceType', resource_type, 'version', 'W/"' || version || '"',
            'location', {}::text || id,
            'created', to_char(created AT TIME ZONE 'UTC', {}::text),
            'lastModified', to_char(last_modified AT TIME ZONE 'UTC', {}::text)
        )""",
        Parameter(prefix),
        Parameter(_DATE_TIME_KEY),
        Parameter(_DATE_TIME_KEY),
    )


def _schemas(resource_type: ResourceType) -> Sql:
    """`schemas` is not stored: it follows from which extensions have values."""
    array = sql("jsonb_build_array({}::text)", Parameter(resource_type.schema.id))
    for extension in resource_type.extensions:
        urn = Parameter(extension.schema.id)
        array = sql(
            "{} || CASE WHEN comparable -> {} IS NULL THEN '[]'::jsonb"
            " ELSE jsonb_build_array({}::text) END",
            array,
            urn,
            urn,
        )
    return sql("({})", array)


def as_json(base: Sql, keys: Sequence[str]) -> Sql:
    """The JSON value at the path; NULL when any step is absent."""
    expression = base
    for key in keys:
        expression = sql("({} -> {})", expression, Parameter(key))
    return expression


def as_text(base: Sql, keys: Sequence[str]) -> Sql:
    """The JSON string at the path, as text that compares by code point."""
    if not keys:
        return sql('({} #>> ARRAY[]::text[] COLLATE "C")', base)
    *steps, last = keys
    return sql('({} ->> {} COLLATE "C")', as_json(base, steps), Parameter(last))
