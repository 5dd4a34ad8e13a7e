"""Pages of what matches, over one resource type or several, in one statement.

By index a page is an offset, of a deep page from the nearer end. By cursor it is what lies beyond a position in the order (keyset), so
that an index leads there without passing over the rows before. NULL keys come last in ascending
order, so what lies beyond falls into parts of which each is a range of an index: equal keys with
later ids, later keys, and no keys.

Where a page is read along an index, in the order of an indexed column say, the statement computes no
more than the page. Otherwise filter and order are computed once for all rows (MATERIALIZED): where an
index finds the few rows that match, which PostgreSQL must not mistake for many, and where all rows
have to be looked at anyway. What matches is counted where the page does not show how much that is, and
large totals are remembered (scim.repository.totals).

`sortBy` and `sortOrder` are ORDER BY (RFC 7644 §3.4.2.3): resources without the attribute come last in
ascending and first in descending order, which is what PostgreSQL does with NULL. Ties are broken by id,
that is, by creation.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.db import OperationalError, connection

from scim.protocol.errors import InvalidValue, TooMany
from scim.protocol.evaluation import locate, narrowed, shortened, validate
from scim.protocol.filters import AttributePath, Comparison, Filter, Operator
from scim.protocol.representation import Stored
from scim.protocol.schema import Located, Relation, ResourceType, Type
from scim.repository import columns, leads, relations, totals
from scim.repository.base import Listed, Page, Query, Source
from scim.repository.columns import LOOKED_UP, Column
from scim.repository.reach import Reach, reach
from scim.repository.resources import FIELDS, gathered
from scim.repository.sql import Parameter, Sql, join, sql, switch
from scim.repository.where import compile_equal, compile_filter
from tenants.backend.base import all_rows, execute
from tenants.backend.statements import Hot
from tenants.outages import is_overtime

_BY_VALUE = frozenset({Type.BOOLEAN, Type.INTEGER, Type.DECIMAL})
_PREFERRED = "$[*] ? (@.primary == true)"

# The ids that match are counted and cut to a page before any document is read.
_PAGE: Final = f"""
WITH matching AS {{}} (
    SELECT id, {{}} AS rank FROM {{}}
), page AS (
    SELECT id, rank, row_number() OVER (ORDER BY rank {{}}, id {{}}) AS number
    FROM ({{}}) AS parts ORDER BY number LIMIT {{}}
)
SELECT counted.total, page.number, page.rank::text, r.resource_type, {FIELDS}, {{}}, {{}}
FROM (SELECT {{}} AS total) AS counted
LEFT JOIN page ON TRUE
LEFT JOIN LATERAL (SELECT * FROM scim_resource WHERE id = page.id OFFSET 0) AS r ON TRUE {{}}
LIMIT {{}}
"""
# The resource with a value that is not expected twice: one text for each such attribute, so it is
# planned once (decision 0044). Values that occur twice are left to _PAGE.
_LOOK_UP: Final = f"""
SELECT r.resource_type, {FIELDS}, {{}}, NULL, NULL
FROM (SELECT * FROM scim_resource WHERE deleted_at IS NULL AND {{}} LIMIT 2) AS r
"""
# Parts of members on one page (relations.PART): half a million members, some 80 MB.
MOST_PARTS: Final = 500
DEEP: Final = 10_000  # rows to pass over, from which on it is worth counting how many come behind
_LEAD: Final = 4  # columns before FIELDS
_PART: Final = """
(SELECT id, rank FROM matching WHERE {} ORDER BY rank {}, id {} LIMIT {} OFFSET {})
"""
_FEWER: Final = "Leave members out (excludedAttributes=members), or ask for fewer with count."
_COUNT: Final = "(SELECT count(*) FROM matching)"
# PostgreSQL computes a branch that is needed and no other.
_COUNT_IF_MORE: Final = f"""
CASE WHEN (SELECT count(*) FROM page) < {{}} THEN (SELECT count(*) FROM page) ELSE {_COUNT} END
"""
_ALL: Final = Sql("TRUE")
_NONE: Final = Sql("FALSE")


def compile_order(path: AttributePath | None, sources: Sequence[Source]) -> Column:
    """The column to order by, NULL for types without the attribute. Raises InvalidValue."""
    if path is None:
        return columns.UNSORTED
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
    if len(sources) == 1 or set(ranks.values()) == {columns.ID_IN_ORDER}:
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
        return columns.ID_IN_ORDER if column is columns.ID else column
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


@dataclass(frozen=True, slots=True)
class _Walk:
    """The way to a page: the directions of keys and ids, rows to pass over, and rows to take."""

    rank: Column  # what the list is ordered by
    keys_rise: bool
    ids_rise: bool
    offset: int
    limit: int

    @property
    def orders(self) -> tuple[Sql, Sql]:
        return _order(rises=self.keys_rise), _order(rises=self.ids_rise)


def page(sources: Sequence[Source], query: Query, look_up: Hot | None = None) -> Page:
    """The page the query asks for and the total; `look_up` is its `looking_up`, if that is known.

    Raises InvalidFilter, InvalidValue, TooMany.
    """
    statement = look_up or looking_up(sources, query)
    looked_up = _looked_up(sources[0], statement) if statement else None
    if looked_up is not None:
        return looked_up
    matching = _matching(sources, query)
    try:
        return _page(sources, query, matching)
    except OperationalError as error:
        if is_overtime(error):
            raise TooMany(
                "list.too-costly", f"The list takes too long to compute. {_advice(sources, query)}"
            ) from None
        raise


def _page(sources: Sequence[Source], query: Query, matching: Sql) -> Page:
    """The page of what matches. Raises InvalidValue, TooMany, OperationalError."""
    walk = _walk(query, compile_order(query.sort_by, sources))
    known = query.cursor.total if query.cursor else None
    if _is_deep(query, walk.rank):
        known = _counted(matching)
        walk = _walk_back(query, walk, known)
    elif known is None:
        known = totals.remembered(matching)
    statement = _statement(sources, query, matching, walk, known)
    listed = _rows(statement, query, is_hot=_is_plain(sources, query))
    counted: int = listed[0][0]
    rows = sorted(gathered(listed, _LEAD, sources[0].loading.tenant_url), key=_number)
    types = {source.resource_type.name: source.resource_type for source in sources}
    found = [Listed(types[name], stored, key) for (_, _, key, name), stored in rows]
    items = found[: query.count]
    if not walk.ids_rise:
        items.reverse()
    if known is None:
        totals.remember(matching, counted)
    return Page(_total(query, counted, len(items)), tuple(items), len(found) > query.count)


def _is_plain(sources: Sequence[Source], query: Query) -> bool:
    """True if one plan is right for all values: pages of all, in no order that was asked for.

    What members take is looked at before it is loaded.
    """
    relations_ = (each.relation for source in sources for each in source.loading.relations)
    return query.filter is None and query.sort_by is None and Relation.MEMBERS not in relations_


def _rows(statement: Sql, query: Query, *, is_hot: bool) -> deque[tuple[Any, ...]]:
    """The rows of a page. Raises TooMany."""
    if is_hot:
        return deque(execute(statement.text, statement.parameters))
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.parameters)
        if cursor.rowcount > _most_rows(query):
            raise TooMany(
                "list.too-costly", f"The groups on the page have too many members. {_FEWER}"
            )
        return deque(all_rows(cursor))


def _is_deep(query: Query, rank: Column) -> bool:
    """True if a page by index may be nearer to the end, which an index tells as well as it leads there."""
    is_by_index = query.cursor is None and query.filter is None and query.count > 0
    return is_by_index and query.start_index > DEEP and rank in columns.ORDERED


def _counted(matching: Sql) -> int:
    """The total as it is, which is remembered."""
    total: int
    counting = sql("SELECT count(*) FROM {}", matching)
    [(total,)] = execute(counting.text, counting.parameters)
    totals.remember(matching, total)
    return total


def _total(query: Query, total: int, shown: int) -> int:
    """The total, corrected by the page where it is an older one."""
    if query.cursor is not None or query.count == 0:
        return total
    last = query.start_index - 1 + shown
    if shown == query.count:
        return max(total, last)
    return last if shown else min(total, last)


def looking_up(sources: Sequence[Source], query: Query) -> Hot | None:
    """The statement that finds a resource by a value that is not expected twice.

    None when the query asks for something else. Raises InvalidFilter.
    """
    condition = _single(sources, query)
    if condition is None:
        return None
    statement = sql(_LOOK_UP, relations.belongs(sources[0].loading, "r"), condition)
    return Hot(statement.text, statement.parameters)


def _looked_up(source: Source, look_up: Hot) -> Page | None:
    """The page of one resource or none; None when the value does occur twice."""
    rows = deque(execute(*look_up))
    found = list(gathered(rows, 1, source.loading.tenant_url))
    if len(found) > 1:
        return None
    items = tuple(
        Listed(source.resource_type, stored, None)
        for (name,), stored in found
        if name == source.resource_type.name
    )
    return Page(len(items), items)


def _single(sources: Sequence[Source], query: Query) -> Sql | None:
    """The condition of a filter for one id, externalId or unique value; None for any other query.

    The type is no part of it where the index has none (resources.find). Members, which may be many,
    are not loaded so.
    """
    asked = query.filter
    if (
        len(sources) > 1
        or (query.sort_by, query.cursor, query.start_index) != (None, None, 1)
        or query.count == 0
        or not isinstance(asked, Comparison)
        or asked.operator is not Operator.EQ
        or asked.value is None
        or any(each.relation is Relation.MEMBERS for each in sources[0].loading.relations)
    ):
        return None
    resource_type = sources[0].resource_type
    found = _single_column(resource_type, asked.path)
    if found is None:
        return None
    located, column = found
    condition = compile_equal(column, located, asked.value)
    if column is not columns.UNIQUE_KEY:
        return condition
    return sql("resource_type = {} AND {}", Parameter(resource_type.name), condition)


@lru_cache(maxsize=256)
def _single_column(
    resource_type: ResourceType, path: AttributePath
) -> tuple[Located, Column] | None:
    """The attribute and its column if no value is expected twice in it. Raises InvalidFilter."""
    located = locate(resource_type, path)
    column = columns.find_column(resource_type, located, "")
    return None if column is None or column not in columns.SINGLE else (located, column)


def _advice(sources: Sequence[Source], query: Query) -> str:
    """The advice how to ask for less."""
    if query.filter is not None:
        names = " or ".join(
            f"{', '.join(LOOKED_UP[each.resource_type.name])} ({each.resource_type.name})"
            for each in sources
        )
        return (
            f'Filter by an attribute with an index, alone or joined to the rest by "and": {names}.'
        )
    if query.sort_by is not None:
        return "Leave out sortBy, or add a filter."
    return f"Add a filter. {_FEWER}"


def _statement(
    sources: Sequence[Source], query: Query, matching: Sql, walk: _Walk, known_total: int | None
) -> Sql:
    rank = walk.rank
    parts = list(_parts(query, walk))
    is_shared = known_total is None or len(parts) > 1
    is_along_index = _is_along_index(sources, query, rank)
    loaded = {each.resource_type.name: relations.belongs(each.loading, "r") for each in sources}
    members, with_members = relations.members((each.loading for each in sources), "r")
    return sql(
        _PAGE,
        Sql("MATERIALIZED" if is_shared and not is_along_index else "NOT MATERIALIZED"),
        rank.expression,
        matching,
        *walk.orders,
        join(" UNION ALL ", parts),
        Parameter(walk.limit),
        switch(loaded, "r.resource_type"),
        members,
        _count(query, known_total, is_along_index=is_along_index),
        with_members,
        Parameter(_most_rows(query) + 1),
    )


def _is_along_index(sources: Sequence[Source], query: Query, rank: Column) -> bool:
    """True if rows are best read in their order until the page is full."""
    if query.filter is None:
        return rank in columns.ORDERED
    if len(sources) > 1:
        return False
    known = reach(query.filter, sources[0].resource_type)
    if rank is columns.UNSORTED:
        return known is not Reach.FEW
    return rank in columns.ORDERED and known is Reach.ESTIMATED


def _count(query: Query, known_total: int | None, *, is_along_index: bool) -> Sql:
    """The total; not counted when it is known, or when the first page is not full."""
    if known_total is not None:
        return sql("{}::bigint", Parameter(known_total))
    if not is_along_index or (query.cursor is None and query.start_index > 1):
        return Sql(_COUNT)
    return sql(_COUNT_IF_MORE, Parameter(_limit(query)))


def _most_rows(query: Query) -> int:
    """The most rows of a page: one a resource, and one for each further part of its members."""
    return query.count + 1 + MOST_PARTS


def _number(row: tuple[Sequence[Any], Stored]) -> int:
    """The place of a resource on its page; PostgreSQL is spared to sort what its members take."""
    number: int = row[0][1]
    return number


def _matching(sources: Sequence[Source], query: Query) -> Sql:
    """The rows of all sources that match the filter, as what follows FROM."""
    if len(sources) == 1 and query.filter is not None:
        [source] = sources
        resource_type, tenant_url = source.resource_type, source.loading.tenant_url
        validate(query.filter, resource_type)
        rows, rest = leads.led(query.filter, resource_type, tenant_url)
        return sql("{} {}", rows, _alternative(source, rest))
    types = [source.resource_type for source in sources]
    alternatives = []
    for source in sources:
        tree = query.filter
        if tree is not None:
            constant_or_tree = narrowed(tree, source.resource_type, types)
            if constant_or_tree is False:
                continue
            tree = None if constant_or_tree is True else constant_or_tree
        alternatives.append(_alternative(source, tree))
    return sql("{} {}", leads.ALL, join(" OR ", alternatives) if alternatives else _NONE)


def _alternative(source: Source, tree: Filter | None) -> Sql:
    """The condition that a row is of the source's type and matches. Raises InvalidFilter."""
    resource_type, tenant_url = source.resource_type, source.loading.tenant_url
    condition = _ALL if tree is None else compile_filter(tree, resource_type, tenant_url)
    return sql("(resource_type = {} AND {})", Parameter(resource_type.name), condition)


def _walk(query: Query, rank: Column) -> _Walk:
    is_backward = query.cursor is not None and query.cursor.is_backward
    is_descending = query.descending and query.sort_by is not None
    offset = query.start_index - 1 if query.cursor is None else 0
    return _Walk(rank, is_descending is is_backward, not is_backward, offset, _limit(query))


def _walk_back(query: Query, walk: _Walk, total: int) -> _Walk:
    """The way from the other end where that is shorter."""
    left = max(total - walk.offset, 0)  # from the page's first row on
    if walk.offset <= left:
        return walk
    limit = min(query.count, left)
    return _Walk(walk.rank, not walk.keys_rise, not walk.ids_rise, left - limit, limit)


def _parts(query: Query, walk: _Walk) -> Iterator[Sql]:
    """The rows beyond the position, each part sorted and no longer than the page."""
    for condition in _beyond(query, walk):
        yield sql(_PART, condition, *walk.orders, Parameter(walk.limit), Parameter(walk.offset))


def _beyond(query: Query, walk: _Walk) -> Iterator[Sql]:
    position = query.cursor.position if query.cursor else None
    if position is None:
        yield _ALL
        return
    later_id = sql(f"id {'>' if walk.ids_rise else '<'} {{}}", Parameter(position.id))
    if position.key is None:
        yield sql("rank IS NULL AND {}", later_id)
        if not walk.keys_rise:
            yield Sql("rank IS NOT NULL")
        return
    key = sql(f"{{}}::{walk.rank.type}", Parameter(position.key))
    yield sql("rank = {} AND {}", key, later_id)
    yield sql(f"rank {'>' if walk.keys_rise else '<'} {{}}", key)
    if walk.keys_rise:
        yield Sql("rank IS NULL")


def _limit(query: Query) -> int:
    """With a cursor one row more than the page holds tells whether another page follows."""
    return query.count if query.cursor is None else query.count + 1


def _order(*, rises: bool) -> Sql:
    return Sql("ASC" if rises else "DESC")
