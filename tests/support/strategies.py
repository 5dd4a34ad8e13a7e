"""Strategies of Hypothesis: canonical users, and filters over them that often hit.

Users and literals take their strings from one small pool of letters whose case is tricky, so that
an equal key, a common beginning or a neighbor in the order is frequent.
"""

import json
from collections.abc import Callable, Collection
from typing import Any, assert_never

from hypothesis import strategies as st

from scim.protocol import urns
from scim.protocol.definitions import USER
from scim.protocol.filters import (
    And,
    AttributePath,
    Comparison,
    Filter,
    Literal,
    Not,
    Operator,
    Or,
    Present,
    ValuePath,
)
from scim.protocol.schema import Attribute, ResourceType, Returned, Type

IDS = (
    "019ab8c4-0000-7000-8000-000000000001",
    "019ab8c4-0000-7000-8000-000000000002",
    "019ab8c4-0000-7000-8000-000000000003",
)
MOMENTS = (
    "2026-11-24T23:59:59.999999Z",
    "2026-11-25T00:00:00Z",
    "2026-11-25T01:00:00+01:00",
    "2026-11-25T12:34:56.000001Z",
    "2026-11-26T00:00:00",
)

# Letters that Python and PostgreSQL lower differently, that fold to several or to ASCII, that have
# two spellings, or that stand beyond U+FFFF; and what LIKE, JSON and SQL treat as special.
WORDS = (
    "bjensen",
    "BJensen",
    "work",
    "Work",
    "home",
    "User",
    "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}zmir",
    "i\N{COMBINING DOT ABOVE}zmir",
    "izmir",
    "\N{LATIN SMALL LETTER DOTLESS I}zmir",
    "Stra\N{LATIN SMALL LETTER SHARP S}e",
    "STRASSE",
    "stra\N{LATIN CAPITAL LETTER SHARP S}e",
    "\N{GREEK SMALL LETTER SIGMA}\N{GREEK SMALL LETTER FINAL SIGMA}",
    "\N{GREEK CAPITAL LETTER SIGMA}\N{GREEK CAPITAL LETTER SIGMA}",
    "\N{KELVIN SIGN}elvin",
    "kelvin",
    "\N{LATIN SMALL LETTER LONG S}mith",
    "smith",
    "\N{LATIN SMALL LETTER N PRECEDED BY APOSTROPHE}",
    "\N{MODIFIER LETTER APOSTROPHE}n",
    "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}",
    "Zoe\N{COMBINING DIAERESIS}",
    "\N{FULLWIDTH LATIN CAPITAL LETTER A}",
    "\N{GRINNING FACE}",
    "100%",
    "a_b",
    "a\\b",
    'O"Malley',
    "O'Malley",
    "null",
    "{}",
    " ",
    "line\nbreak",
)

_LEAF_OPERATORS = {
    Type.BINARY: tuple(op for op in Operator if op.value in {"eq", "ne", "co", "sw", "ew"}),
    Type.BOOLEAN: (Operator.EQ, Operator.NE),
    Type.DATE_TIME: tuple(op for op in Operator if op.value not in {"co", "sw", "ew"}),
}


def words() -> st.SearchStrategy[str]:
    """Acceptable strings: mostly of the pool, at times a few of it, a part of one, or any text."""
    pool = st.sampled_from(WORDS)
    return st.one_of(
        pool,
        st.tuples(pool, pool).map("".join),
        st.tuples(pool, st.integers(0, 3)).map(lambda drawn: drawn[0][drawn[1] :] or "x"),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4),
    )


def users() -> st.SearchStrategy[dict[str, Any]]:
    """Canonical users: no `id`, `meta` and `schemas`, nothing null or empty."""
    core = _values_of(USER.schema.attributes)
    enterprise = _values_of(USER.extensions[0].schema.attributes)
    required = {"userName": words().filter(bool), "externalId": words().filter(bool)}
    return st.builds(
        lambda needed, optional, extension: (
            optional | needed | ({urns.ENTERPRISE_USER: extension} if extension else {})
        ),
        st.fixed_dictionaries(required),
        st.fixed_dictionaries({}, optional=core),
        st.fixed_dictionaries({}, optional=enterprise),
    )


def filters(
    resource_type: ResourceType = USER,
    *,
    without: Collection[str] = (),
) -> st.SearchStrategy[Filter]:
    """Filters that validate, over every attribute that can be filtered by.

    `without` names paths as `name` or `name.sub` that shall not occur, such as `meta.version`.
    """
    terms = [
        term
        for path, attribute in _attributes(resource_type)
        for term in _terms(path, attribute, without)
    ]
    return _trees(st.one_of(terms))


def comparisons(resource_type: ResourceType = USER) -> st.SearchStrategy[Comparison]:
    """Single comparisons that validate, over every attribute and sub-attribute."""
    return st.one_of(
        [
            _comparisons(each, leaf)
            for path, attribute in _attributes(resource_type)
            for each, leaf in _with_sub_attributes(path, attribute)
        ]
    )


def syntax_trees(*, value_paths: bool = True) -> st.SearchStrategy[Filter]:
    """Any trees that a filter's text can have, whether or not their attributes exist."""
    name = st.from_regex(r"(?!(?i:not)\Z)[A-Za-z][A-Za-z0-9_$-]{0,5}", fullmatch=True)
    names = name | st.just("$ref")
    urn = st.sampled_from(
        (None, urns.USER, urns.ENTERPRISE_USER, "urn:x:2.0:a:B", "http://a/2.0/b")
    )
    path = st.builds(AttributePath, names, st.none() | names, urn)
    literals: st.SearchStrategy[Literal] = st.one_of(
        words(),
        st.integers(-(10**30), 10**30),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from((True, False, None)),
    )

    def terms(paths: st.SearchStrategy[AttributePath]) -> st.SearchStrategy[Filter]:
        comparisons = st.builds(Comparison, paths, st.sampled_from(Operator), literals)
        return st.builds(Present, paths) | comparisons

    inner = _trees(terms(path), leaves=4)
    if not value_paths:
        return inner
    outer = st.builds(AttributePath, names, st.none(), urn)
    return _trees(terms(path) | st.builds(ValuePath, outer, inner))


def to_text(tree: Filter) -> str:
    """The filter as a client would write it; parsing it gives the tree again."""
    match tree:
        case And(terms):
            return " and ".join(map(_grouped, terms))
        case Or(terms):
            return " or ".join(map(_grouped, terms))
        case Not(term):
            return f"not ({to_text(term)})"
        case Present(path):
            return f"{path} pr"
        case Comparison(path, operator, value):
            return f"{path} {operator.value} {json.dumps(value)}"
        case ValuePath(path, inner):
            return f"{path}[{to_text(inner)}]"
        case _:
            assert_never(tree)


def _grouped(tree: Filter) -> str:
    return f"({to_text(tree)})" if isinstance(tree, And | Or) else to_text(tree)


def _trees(terms: st.SearchStrategy[Filter], *, leaves: int = 8) -> st.SearchStrategy[Filter]:
    def joined(trees: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        several = st.lists(trees, min_size=2, max_size=3).map(tuple)
        return st.builds(Not, trees) | st.builds(And, several) | st.builds(Or, several)

    return st.recursive(terms, joined, max_leaves=leaves)


def _attributes(resource_type: ResourceType) -> list[tuple[AttributePath, Attribute]]:
    """Every attribute with a path that addresses it, qualified and bare alike."""
    urn = resource_type.schema.id
    own = (*resource_type.common, *resource_type.schema.attributes)
    found = [(AttributePath(each.name, urn=prefix), each) for each in own for prefix in (None, urn)]
    found += [
        (AttributePath(each.name, urn=prefix), each)
        for extension in resource_type.extensions
        for each in extension.schema.attributes
        for prefix in (None, extension.schema.id)
    ]
    return [each for each in found if each[1].returned is not Returned.NEVER]


def _with_sub_attributes(
    path: AttributePath,
    attribute: Attribute,
) -> list[tuple[AttributePath, Attribute]]:
    subs = attribute.sub_attributes
    return [(path, attribute), *((AttributePath(path.name, s.name, path.urn), s) for s in subs)]


def _terms(
    path: AttributePath,
    attribute: Attribute,
    without: Collection[str],
) -> list[st.SearchStrategy[Filter]]:
    """Presence, comparisons and value paths of one attribute and its sub-attributes."""
    if path.name in without:
        return []
    found: list[st.SearchStrategy[Filter]] = [
        st.just(Present(each)) | _comparisons(each, leaf)
        for each, leaf in _with_sub_attributes(path, attribute)
        if f"{each.name}.{each.sub}" not in without
    ]
    inner = [_inner_terms(sub) for sub in attribute.sub_attributes]
    if attribute.multi_valued and not inner:
        inner = [_comparisons(AttributePath("value"), attribute)]
    if inner:
        found.append(_trees(st.one_of(inner), leaves=3).map(lambda tree: ValuePath(path, tree)))
    return found


def _inner_terms(sub: Attribute) -> st.SearchStrategy[Filter]:
    path = AttributePath(sub.name)
    return st.just(Present(path)) | _comparisons(path, sub)


def _comparisons(path: AttributePath, attribute: Attribute) -> st.SearchStrategy[Comparison]:
    null = st.builds(Comparison, st.just(path), _operators(Type.BOOLEAN), st.none())
    value = attribute.find("value") if attribute.type is Type.COMPLEX else attribute
    if value is None:
        return null
    literals: st.SearchStrategy[Literal] = _literals(path, value)
    if value.type is Type.BOOLEAN:
        literals |= st.sampled_from(("True", "False"))
    return null | st.builds(Comparison, st.just(path), _operators(value.type), literals)


def _operators(type_: Type) -> st.SearchStrategy[Operator]:
    return st.sampled_from(_LEAF_OPERATORS.get(type_, tuple(Operator)))


def _literals(path: AttributePath, attribute: Attribute) -> st.SearchStrategy[Any]:
    if path.name == "id":
        return st.sampled_from((*IDS, IDS[0].upper(), "bjensen"))
    if path.name == "schemas":
        return st.sampled_from((urns.USER, urns.ENTERPRISE_USER, urns.USER.lower(), "urn"))
    return _simple(attribute)


def _simple(attribute: Attribute) -> st.SearchStrategy[Any]:
    """Values of a simple type, not empty: what is stored, and what it is compared with."""
    by_type: dict[Type, Callable[[], st.SearchStrategy[Any]]] = {
        Type.BOOLEAN: st.booleans,
        Type.INTEGER: lambda: st.integers(-3, 3),
        Type.DECIMAL: lambda: st.integers(-30, 30).map(lambda tenths: tenths / 10),
        Type.DATE_TIME: lambda: st.sampled_from(MOMENTS),
    }
    strings = words().filter(bool)
    if attribute.canonical_values:
        strings = st.sampled_from(attribute.canonical_values) | strings
    return by_type.get(attribute.type, lambda: strings)()


def _values_of(attributes: tuple[Attribute, ...]) -> dict[str, st.SearchStrategy[Any]]:
    return {
        each.name: _value_of(each)
        for each in attributes
        if each.returned is not Returned.NEVER and each.relation is None  # those are rows
    }


def _value_of(attribute: Attribute) -> st.SearchStrategy[Any]:
    if attribute.type is Type.COMPLEX:
        subs = _values_of(attribute.sub_attributes)
        value = st.fixed_dictionaries({}, optional=subs).filter(bool)
    else:
        value = _simple(attribute)
    return st.lists(value, min_size=1, max_size=2) if attribute.multi_valued else value
