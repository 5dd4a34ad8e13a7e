"""A filter over several resource types, told for one of them (RFC 7644 §3.4.2.1).

At the root an attribute that a resource type does not have has no value there: it equals nothing and
is not present. Only what no type has is refused.
"""

from collections.abc import Sequence
from typing import assert_never

from scim.protocol.errors import InvalidFilter
from scim.protocol.evaluation import shortened, validate
from scim.protocol.filters import And, Comparison, Filter, Not, Operator, Or, Present, ValuePath
from scim.protocol.schema import ResourceType


def narrowed(
    tree: Filter, resource_type: ResourceType, everywhere: Sequence[ResourceType]
) -> Filter | bool:
    """The filter for resources of one type, or its constant answer when it does not depend on them.

    Raises InvalidFilter.
    """
    match tree:
        case And(terms):
            results = [narrowed(term, resource_type, everywhere) for term in terms]
            return _joined(results, And, decisive=False)
        case Or(terms):
            results = [narrowed(term, resource_type, everywhere) for term in terms]
            return _joined(results, Or, decisive=True)
        case Not(term):
            result = narrowed(term, resource_type, everywhere)
            return not result if isinstance(result, bool) else Not(result)
        case Present() | Comparison() | ValuePath():
            return _term(tree, resource_type, everywhere)
        case _:
            assert_never(tree)


def _joined(
    results: Sequence[Filter | bool], kind: type[And] | type[Or], *, decisive: bool
) -> Filter | bool:
    """`and` is decided by false and `or` by true; the other constant says nothing."""
    if decisive in results:
        return decisive
    open_terms = tuple(result for result in results if not isinstance(result, bool))
    if not open_terms:
        return not decisive
    return kind(open_terms) if len(open_terms) > 1 else open_terms[0]


def _term(
    term: Present | Comparison | ValuePath,
    resource_type: ResourceType,
    everywhere: Sequence[ResourceType],
) -> Filter | bool:
    path = term.path
    if resource_type.locate(path.urn, path.name, path.sub) is not None:
        validate(term, resource_type)
        return term
    if not any(each.locate(path.urn, path.name, path.sub) for each in everywhere):
        raise InvalidFilter(f'"{shortened(path)}" is an attribute of no resource type.')
    if not isinstance(term, Comparison):
        return False
    # Nothing is there: `eq null` and `ne "x"` say so, every other comparison fails.
    return (term.operator is Operator.NE) is not (term.value is None)
