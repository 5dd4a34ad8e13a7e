"""The number of rows that a filter may match, as far as PostgreSQL can know it before it looks.

It plans a page by what it expects to match. Where an index finds the rows, that may be anything while
statistics are young, and is small: the plan must be good for few. For columns, statistics are good
enough to choose between an index and walking through the list. Of values in a document it knows nothing.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final, assert_never

from scim.protocol.evaluation import locate
from scim.protocol.filters import (
    And,
    AttributePath,
    Comparison,
    Filter,
    Not,
    Operator,
    Or,
    Present,
    ValuePath,
)
from scim.protocol.schema import Located, ResourceType, Uniqueness
from scim.repository import columns

_LOOK_UPS: Final = frozenset({Operator.EQ, Operator.SW})
# Asked for what is new, which stands at the end of the list: walking there would pass everything else.
_TIMES: Final = frozenset({("meta", "created"), ("meta", "lastModified")})
_RANGES: Final = frozenset({Operator.GT, Operator.GE, Operator.LT, Operator.LE})


class Reach(IntEnum):
    """The knowledge of how many rows match."""

    FEW = 1  # an index finds them, or they stand together
    ESTIMATED = 2  # by the statistics of columns
    UNKNOWN = 3


def reach(tree: Filter, resource_type: ResourceType) -> Reach:
    """The reach of a filter that `where.compile_filter` accepts."""
    match tree:
        case And(terms):
            found = [reach(term, resource_type) for term in terms]
            return Reach.FEW if Reach.FEW in found else max(found)
        case Or(terms):
            return max(reach(term, resource_type) for term in terms)
        case Not(term):
            return max(Reach.ESTIMATED, reach(term, resource_type))
        case Present(path):
            return _reach(resource_type, locate(resource_type, path), Operator.NE)
        case Comparison(path, operator, value):
            asked = Operator.NE if value is None else operator
            return _reach(resource_type, locate(resource_type, path), asked)
        case ValuePath(path, inner):
            return min(_reach(resource_type, *each) for each in _inside(resource_type, path, inner))
        case _:
            assert_never(tree)


def _inside(
    resource_type: ResourceType, path: AttributePath, inner: Filter
) -> Iterator[tuple[Located, Operator]]:
    """The sub-attributes that a filter in square brackets demands, and how it compares them."""
    yield locate(resource_type, path), Operator.NE
    for term in inner.terms if isinstance(inner, And) else (inner,):
        if isinstance(term, Comparison) and term.value is not None and not term.path.sub:
            name = AttributePath(path.name, term.path.name, path.urn)
            located = resource_type.locate(name.urn, name.name, name.sub)
            if located is not None:
                yield located, term.operator


def _reach(resource_type: ResourceType, located: Located, operator: Operator) -> Reach:
    """The reach of a comparison; NE stands for any question that no index answers."""
    attribute = located.attribute
    is_looked_up = columns.rank(resource_type, located) is not None
    if attribute.multi_valued:
        return Reach.FEW if is_looked_up and operator is Operator.EQ else Reach.UNKNOWN
    if located.extension is not None:
        is_unique = attribute.uniqueness is not Uniqueness.NONE and operator is Operator.EQ
        return Reach.FEW if is_unique else Reach.UNKNOWN
    if is_looked_up and operator in _LOOK_UPS:
        return Reach.FEW
    if (
        attribute.name,
        located.sub.name if located.sub else None,
    ) in _TIMES and operator in _RANGES:
        return Reach.FEW
    return Reach.ESTIMATED if columns.find_column(resource_type, located, "") else Reach.UNKNOWN
