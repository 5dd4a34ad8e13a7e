"""The term of a filter by which an index finds the rows, before anything else is asked of them.

PostgreSQL chooses among indexes by statistics. Where these are old, or dead rows fill the table, it may
take the index of a resource type, of which it expects a few rows, and read the whole tenant. So the
rows of a look-up are found by one term alone, behind a fence (OFFSET 0) that no other condition passes.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from scim.protocol.evaluation import locate
from scim.protocol.filters import (
    And,
    AttributePath,
    Comparison,
    Filter,
    Operator,
    ValuePath,
)
from scim.protocol.schema import ResourceType
from scim.protocol.text import read_id
from scim.repository import columns, relations
from scim.repository.sql import Parameter, Sql, sql
from scim.repository.where import compile_filter

ALL: Final = Sql("scim_resource WHERE deleted_at IS NULL AND")
_LED: Final = """
(SELECT * FROM scim_resource WHERE {} OFFSET 0) AS scim_resource WHERE deleted_at IS NULL AND
"""


def led(tree: Filter, resource_type: ResourceType, tenant_url: str) -> tuple[Sql, Filter | None]:
    """The rows to ask the filter of, as what follows FROM, and the filter that remains to be asked.

    The filter is one that `where.compile_filter` accepts.
    """
    terms = tree.terms if isinstance(tree, And) else (tree,)
    found = [
        (rank, place, each)
        for place, term in enumerate(terms)
        for each in _implied(term)
        if (rank := _rank(resource_type, each.path)) is not None
    ]
    if not found:
        return ALL, tree
    _, place, lead = min(found, key=lambda each: each[:2])
    term = terms[place]
    is_all_of_it = isinstance(term.filter if isinstance(term, ValuePath) else term, Comparison)
    rest = terms[:place] + terms[place + is_all_of_it :]
    rows = sql(_LED, _condition(lead, resource_type, tenant_url))
    return rows, And(rest) if rest else None


def _implied(term: Filter) -> Iterator[Comparison]:
    """Comparisons by `eq` that hold for whatever matches the term."""
    if isinstance(term, Comparison) and term.operator is Operator.EQ and term.value is not None:
        yield term
    elif isinstance(term, ValuePath):
        inner = term.filter
        for part in inner.terms if isinstance(inner, And) else (inner,):
            for each in _implied(part):
                if not each.path.sub:
                    path = AttributePath(term.path.name, each.path.name, term.path.urn)
                    yield replace(each, path=path)


def _rank(resource_type: ResourceType, path: AttributePath) -> int | None:
    """The rank of the attribute; None if no index finds it, or simple values are called `value`."""
    located = resource_type.locate(path.urn, path.name, path.sub)
    return None if located is None else columns.rank(resource_type, located)


def _condition(term: Comparison, resource_type: ResourceType, tenant_url: str) -> Sql:
    """The condition that an index answers."""
    located = locate(resource_type, term.path)
    relation = located.attribute.relation
    if relation is not None:
        identifier = read_id(str(term.value))
        return Sql("FALSE") if identifier is None else relations.related(relation, identifier)
    condition = compile_filter(term, resource_type, tenant_url)
    if columns.find_column(resource_type, located, tenant_url) is not columns.UNIQUE_KEY:
        return condition
    name = Parameter(resource_type.name)
    return sql("resource_type = {} AND deleted_at IS NULL AND {}", name, condition)  # as the index
