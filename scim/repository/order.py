"""`sortBy` and `sortOrder` as ORDER BY (RFC 7644 §3.4.2.3).

Resources without the attribute come last in ascending and first in descending order, which is what
PostgreSQL does with NULL. Ties are broken by id, that is, by creation.
"""

from collections.abc import Sequence
from typing import Final

from scim.protocol.errors import InvalidValue
from scim.protocol.evaluation import shortened
from scim.protocol.filters import AttributePath
from scim.protocol.schema import Located, Type
from scim.repository import columns
from scim.repository.base import Source
from scim.repository.columns import Column
from scim.repository.sql import Parameter, Sql, sql, switch

# The order without sortBy: none, so that the id decides.
UNSORTED: Final = Column(Sql("NULL::text"))

_BY_VALUE = frozenset({Type.BOOLEAN, Type.INTEGER, Type.DECIMAL})
_PREFERRED = "$[*] ? (@.primary == true)"


def compile_order(path: AttributePath | None, sources: Sequence[Source]) -> Column:
    """The column to order by, NULL for types without the attribute. Raises InvalidValue."""
    if path is None:
        return UNSORTED
    ranks = {
        source.resource_type.name: _column(path, source, located)
        for source in sources
        if (located := _locate(path, source)) is not None
    }
    if not ranks:
        names = " or ".join(source.resource_type.name for source in sources)
        raise InvalidValue(
            "list.parameters", f"sortBy names no attribute of {names}: {shortened(path)}."
        )
    if len(sources) == 1:
        return next(iter(ranks.values()))
    types = {rank.type for rank in ranks.values()}
    if len(types) == 1:
        return Column(switch({n: rank.expression for n, rank in ranks.items()}), types.pop())
    mixed = {name: sql("to_jsonb({})", rank.expression) for name, rank in ranks.items()}
    return Column(switch(mixed), "jsonb")


def _locate(path: AttributePath, source: Source) -> Located | None:
    """The attribute in the source's resource type, None when it has none that clients may see."""
    located = source.resource_type.locate(path.urn, path.name, path.sub)
    return None if located is None or located.is_secret else located


def _column(path: AttributePath, source: Source, located: Located) -> Column:
    sub = located.sub or located.attribute.find("value")
    sub = None if sub is not None and sub.is_secret else sub
    if sub is None and located.attribute.type is Type.COMPLEX:
        raise InvalidValue(
            "list.parameters",
            f"sortBy needs a sub-attribute of {shortened(path)}, such as {_example(located)}.",
        )
    column = columns.find_column(source.resource_type, located, source.loading.tenant_url)
    if column is not None:
        return column
    base = columns.values(source.resource_type, located, source.loading.tenant_url)
    if located.attribute.multi_valued:
        base = _preferred(base)
    keys = (sub.name,) if sub else ()
    if (sub or located.attribute).type in _BY_VALUE:
        return Column(columns.as_json(base, keys), "jsonb")
    return Column(columns.as_text(base, keys))


def _preferred(values: Sql) -> Sql:
    """The primary value, else the first (RFC 7644 §3.4.2.3)."""
    path = Parameter(_PREFERRED)
    return sql("COALESCE(jsonb_path_query_first({}, {}::jsonpath), {} -> 0)", values, path, values)


def _example(located: Located) -> str:
    return f"{located.attribute.name}.{located.attribute.sub_attributes[0].name}"
