"""A filter against one resource in memory (RFC 7644 §3.4.2.2), the oracle for the SQL compiler.

The meaning of a filter, here and in SQL:

- An attribute that is not known, or that is never returned, is refused wherever it stands.
- Logic has two values. A comparison with an attribute that has no value is false.
- A multi-valued attribute matches if some value does. `ne` is exactly `not (… eq …)`, so it says
  that no value equals. In `emails[type eq "work"].value ne "x"` it speaks of the one value.
- `pr` is true if there is a value that is not empty; false and 0 are values. `eq null` is
  `not (… pr)` and `ne null` is `pr`.
- A complex attribute without a sub-attribute compares its `value`: `emails co "example.com"`.
- Values compare by their keys (scim.protocol.comparison): strings without regard to case unless
  caseExact and in the order of code points, dateTimes by time, numbers by size.
- `value` inside `attribute[…]` is the value itself if the attribute's values are simple.

A search over several resource types reads the filter for each of them (RFC 7644 §3.4.2.1): at the
root, an attribute that the type does not have has no value. Only an attribute that no type has is
refused.
"""

import operator as operators
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import UnionType
from typing import Any, Final, assert_never

from scim.protocol.comparison import comparable_value, key
from scim.protocol.errors import InvalidFilter
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
from scim.protocol.schema import Attribute, Located, ResourceType, Type
from scim.protocol.text import MAX_STRING, read_number, spelled

Predicate = Callable[[Any], bool]

# Characters of an unknown attribute's name that a refusal repeats: a URN and an attribute.
_MAX_SHOWN: Final = 120

_EQUALITY: Final = (Operator.EQ, Operator.NE)
_SUBSTRING: Final = (Operator.CO, Operator.SW, Operator.EW)
_ORDER: Final = (Operator.GT, Operator.GE, Operator.LT, Operator.LE)

# Operators that make sense for a type (RFC 7644 table 3: boolean and binary have no order), and
# the literals it is compared with.
_OPERATORS: Final[Mapping[Type, tuple[Operator, ...]]] = {
    Type.STRING: (*_EQUALITY, *_SUBSTRING, *_ORDER),
    Type.REFERENCE: (*_EQUALITY, *_SUBSTRING, *_ORDER),
    Type.BINARY: (*_EQUALITY, *_SUBSTRING),
    Type.BOOLEAN: _EQUALITY,
    Type.DECIMAL: (*_EQUALITY, *_ORDER),
    Type.INTEGER: (*_EQUALITY, *_ORDER),
    Type.DATE_TIME: (*_EQUALITY, *_ORDER),
}
_TESTS: Final[Mapping[Operator, Callable[[Any, Any], bool]]] = {
    Operator.EQ: operators.eq,
    Operator.CO: operators.contains,
    Operator.SW: str.startswith,
    Operator.EW: str.endswith,
    Operator.GT: operators.gt,
    Operator.GE: operators.ge,
    Operator.LT: operators.lt,
    Operator.LE: operators.le,
}
_TEXTUAL: Final = frozenset({Type.STRING, Type.REFERENCE, Type.BINARY})
_LITERALS: Final[Mapping[Type, tuple[type | UnionType, str]]] = {
    Type.STRING: (str, "a string in double quotes"),
    Type.REFERENCE: (str, "a string in double quotes"),
    Type.BINARY: (str, "a string in double quotes"),
    Type.BOOLEAN: (bool, "true or false"),
    Type.DECIMAL: (int | float, "a number"),
    Type.INTEGER: (int | float, "a number"),
    Type.DATE_TIME: (str, 'a time like "2011-05-13T04:42:34Z"'),
}


def validate(tree: Filter, resource_type: ResourceType) -> None:
    """Refuse a filter that asks anything impossible of the resource type, wherever it stands.

    Raises InvalidFilter.
    """
    _predicate(tree, lambda path: locate(resource_type, path))


def matches(tree: Filter, resource_type: ResourceType, comparable: Mapping[str, Any]) -> bool:
    """True if the resource matches the filter. Raises InvalidFilter.

    `comparable` is a comparable document, with `id` and `meta` if the filter is to find them;
    `schemas` follows from the document.
    """
    extensions = (extension.schema.id for extension in resource_type.extensions)
    schemas = [resource_type.schema.id, *(urn for urn in extensions if urn in comparable)]
    predicate = _predicate(tree, lambda path: locate(resource_type, path))
    return predicate({**comparable, "schemas": schemas})


def element_predicate(tree: Filter, attribute: Attribute) -> Predicate:
    """The test whether one canonical value of a multi-valued or complex attribute matches.

    Raises InvalidFilter here, however many values there are to test.
    """
    predicate = _element_predicate(tree, attribute)
    return lambda element: predicate(comparable_value(attribute, element))


def locate(resource_type: ResourceType, path: AttributePath) -> Located:
    """The attribute that a path in a filter addresses.

    Raises InvalidFilter if it is not known or never returned.
    """
    located = resource_type.locate(path.urn, path.name, path.sub)
    if located is None:
        raise InvalidFilter(
            "filter.unknown-attribute",
            f'"{shortened(path)}" is not an attribute of {resource_type.name}.',
        )
    _check_returned(located.attribute)
    _check_returned(located.leaf)
    return located


def check_comparison(attribute: Attribute, operator: Operator, literal: Literal) -> Any:
    """The comparison key of the literal, None for null.

    A complex attribute is compared by its `value`. Raises InvalidFilter if the attribute does not
    support the operator or is not compared with such literals.
    """
    _check_returned(attribute)
    if literal is None:
        if operator in _EQUALITY:
            return None
        raise InvalidFilter(
            "filter.unfit",
            f'"{attribute.name}" {operator.value} null has no meaning; use eq or ne.',
        )
    compared = _compared(attribute)
    _check_returned(compared)
    if operator not in _OPERATORS[compared.type]:
        supported = ", ".join(each.value for each in _OPERATORS[compared.type])
        raise InvalidFilter(
            "filter.unfit",
            f'"{attribute.name}" is of type {compared.type.value} and does not support '
            f"{operator.value}, but {supported} and pr.",
        )
    return _literal_key(attribute.name, compared, literal)


def _literal_key(name: str, attribute: Attribute, literal: Literal) -> Any:
    literal = _fitted(attribute, literal)
    types, description = _LITERALS[attribute.type]
    is_boolean = attribute.type is Type.BOOLEAN
    if not isinstance(literal, types) or isinstance(literal, bool) is not is_boolean:
        raise InvalidFilter("filter.unfit", f'"{name}" is compared with {description}.')
    if isinstance(literal, str) and not attribute.case_exact and len(literal) > MAX_STRING:
        raise InvalidFilter(
            "filter.unfit", f'"{name}" has no value of more than {MAX_STRING} characters.'
        )
    try:
        return key(attribute, literal)
    except ValueError:
        raise InvalidFilter("filter.unfit", f'"{name}" is compared with {description}.') from None


def _fitted(attribute: Attribute, literal: Literal) -> Literal:
    """The literal as the attribute's type has it, where a client may have had no other spelling."""
    if isinstance(literal, str):
        if attribute.type is Type.BOOLEAN:
            # E2: Entra compares booleans with strings, as in `roles[primary eq "True"]`.
            return {"true": True, "false": False}.get(literal.lower(), literal)
        if attribute.type in (Type.INTEGER, Type.DECIMAL):
            number = read_number(literal)  # E38: Entra has strings alone
            return literal if number is None else number
    elif attribute.type in _TEXTUAL and literal is not None:
        return spelled(literal)  # E37: `employeeNumber eq 701984` means its text
    return literal


def _compared(attribute: Attribute) -> Attribute:
    """The attribute that a comparison reads: itself, or its `value` (E22: `manager eq "…"`)."""
    if attribute.type is not Type.COMPLEX:
        return attribute
    value = attribute.find("value")
    if value is None:
        subs = ", ".join(f"{attribute.name}.{sub.name}" for sub in attribute.sub_attributes)
        raise InvalidFilter(
            "filter.unfit", f'"{attribute.name}" is complex; compare one of {subs}.'
        )
    return value


def _check_returned(attribute: Attribute) -> None:
    """A filter would tell by its matches what the attribute holds (RFC 7644 §7.5)."""
    if attribute.is_secret:
        raise InvalidFilter(
            "filter.unfit", f'"{attribute.name}" is never returned and cannot be filtered by.'
        )


def _predicate(tree: Filter, find: Callable[[AttributePath], Located]) -> Predicate:
    """The test of one comparable document; everything in the tree is checked before any test.

    `find` says what a path addresses in the document.
    """
    match tree:
        case And(terms):
            every = [_predicate(term, find) for term in terms]
            return lambda document: all(test(document) for test in every)
        case Or(terms):
            some = [_predicate(term, find) for term in terms]
            return lambda document: any(test(document) for test in some)
        case Not(term):
            negated = _predicate(term, find)
            return lambda document: not negated(document)
        case Present(path):
            return _presence(find(path))
        case Comparison():
            return _comparison(tree, find(tree.path))
        case ValuePath(path, inner):
            located = find(path)
            test_element = _element_predicate(inner, located.leaf)
            return lambda document: any(map(test_element, _values(document, located)))
        case _:
            assert_never(tree)


def _element_predicate(tree: Filter, attribute: Attribute) -> Predicate:
    """The test of one comparable value of the attribute, whose sub-attributes the paths name."""
    if attribute.type is Type.COMPLEX:
        return _predicate(
            tree, lambda path: _locate_sub(attribute, attribute.find(path.name), path)
        )
    if not attribute.multi_valued:
        raise InvalidFilter(
            "filter.unfit", f'"{attribute.name}" has one simple value and takes no square brackets.'
        )
    value = replace(attribute, name="value", multi_valued=False)
    predicate = _predicate(
        tree,
        lambda path: _locate_sub(attribute, value if path.name.lower() == "value" else None, path),
    )
    return lambda element: predicate({"value": element})


def _locate_sub(attribute: Attribute, found: Attribute | None, path: AttributePath) -> Located:
    if found is None or path.sub or path.urn:
        raise InvalidFilter(
            "filter.unknown-attribute",
            f'"{shortened(path)}" is not a sub-attribute of "{attribute.name}".',
        )
    _check_returned(found)
    return Located(found)


def _presence(located: Located) -> Predicate:
    return lambda document: any(map(_is_present, _values(document, located)))


def _is_present(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_present, value.values()))
    return value is not None and value not in ("", [])


def _comparison(term: Comparison, located: Located) -> Predicate:
    if term.operator is Operator.NE:
        equality = _comparison(replace(term, operator=Operator.EQ), located)
        return lambda document: not equality(document)
    literal = check_comparison(located.leaf, term.operator, term.value)
    if literal is None:
        presence = _presence(located)
        return lambda document: not presence(document)
    if located.leaf.type is Type.COMPLEX:
        located = replace(located, sub=_compared(located.attribute))
    test = _TESTS[term.operator]
    return lambda document: any(test(value, literal) for value in _values(document, located))


def _values(document: Mapping[str, Any], located: Located) -> Iterator[Any]:
    """The values of the addressed attribute in a comparable document."""
    value: Any = document
    for name in located.keys:
        if name not in value:
            return
        value = value[name]
    for element in _each(value):
        if located.sub is None:
            yield element
        elif located.sub.name in element:
            yield from _each(element[located.sub.name])


def _each(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]


def shortened(path: AttributePath) -> str:
    """The path as a refusal repeats it."""
    text = str(path)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


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
        raise InvalidFilter(
            "filter.unknown-attribute", f'"{shortened(path)}" is an attribute of no resource type.'
        )
    if not isinstance(term, Comparison):
        return False
    # Nothing is there: `eq null` and `ne "x"` say so, every other comparison fails.
    return (term.operator is Operator.NE) is not (term.value is None)
