"""`sortBy` and `sortOrder` as ORDER BY (RFC 7644 §3.4.2.3).

Resources without the attribute come last in ascending and first in descending order, which is what
PostgreSQL does with NULL. Ties are broken by id, that is, by creation.
"""

from scim.protocol.errors import InvalidValue
from scim.protocol.filters import AttributePath
from scim.protocol.schema import Located, ResourceType, Returned, Type
from scim.repository import columns
from scim.repository.sql import Parameter, Sql, sql

_BY_VALUE = frozenset({Type.BOOLEAN, Type.INTEGER, Type.DECIMAL})
_PREFERRED = "$[*] ? (@.primary == true)"


def compile_order(path: AttributePath, resource_type: ResourceType, tenant_url: str) -> Sql:
    """The expression to order rows by. Raises InvalidValue."""
    located = resource_type.locate(path.urn, path.name, path.sub)
    if located is None or located.leaf.returned is Returned.NEVER:
        raise InvalidValue(f"sortBy names no attribute of {resource_type.name}: {path}.")
    sub = located.sub or located.attribute.find("value")
    if sub is None and located.attribute.type is Type.COMPLEX:
        raise InvalidValue(f"sortBy needs a sub-attribute of {path}, such as {_example(located)}.")
    column = columns.find_column(resource_type, located, tenant_url)
    if column is not None:
        return column.expression
    base = columns.values(resource_type, located)
    if located.attribute.multi_valued:
        base = _preferred(base)
    keys = (sub.name,) if sub else ()
    if (sub or located.attribute).type in _BY_VALUE:
        return columns.as_json(base, keys)
    return columns.as_text(base, keys)


def _preferred(values: Sql) -> Sql:
    """The primary value, else the first (RFC 7644 §3.4.2.3)."""
    path = Parameter(_PREFERRED)
    return sql("COALESCE(jsonb_path_query_first({}, {}::jsonpath), {} -> 0)", values, path, values)


def _example(located: Located) -> str:
    return f"{located.attribute.name}.{located.attribute.sub_attributes[0].name}"
