"""A filter as an SQL condition on `scim_resource` (RFC 7644 §3.4.2.2).

It means what scim.protocol.evaluation says, and a property test holds the two against each other.
Literals and stored values are compared as keys (scim.protocol.comparison), so PostgreSQL never
decides about letter case. A condition may be NULL where an attribute is unassigned; that counts as
false, and `not` makes it so before it negates. Equality on an indexed column, and on the members of
an e-mail address, is written so that an index answers it.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final, assert_never

from scim.protocol.evaluation import check_comparison, element_predicate, locate, validate
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
from scim.protocol.text import read_id
from scim.repository import columns, relations
from scim.repository.columns import Column
from scim.repository.relations import Asked
from scim.repository.sql import Parameter, Sql, join, sql

_FALSE: Final = Sql("FALSE")
_ELEMENT: Final = Sql("element")
_ALWAYS: Final = frozenset({(), ("value",)})  # keys of what each value of a relation has
_SOME: Final = "EXISTS (SELECT 1 FROM jsonb_array_elements({}) AS each(element) WHERE {})"
_TEXTUAL: Final = frozenset({Type.STRING, Type.REFERENCE, Type.BINARY, Type.DATE_TIME})

# Of a value and a literal, in this order. Ordering comparisons see text by code point.
_TEMPLATES: Final = {
    Operator.EQ: "{} = {}",
    Operator.GT: "{} > {}",
    Operator.GE: "{} >= {}",
    Operator.LT: "{} < {}",
    Operator.LE: "{} <= {}",
    Operator.CO: "strpos({}, {}) > 0",
    Operator.SW: "starts_with({}, {})",
    Operator.EW: "right({}, length({})) = {}",
}
# The beginning and the end of a text in JSON, as a search for a part of it sees them.
_QUOTES: Final = {Operator.CO: ("", ""), Operator.SW: ('"', ""), Operator.EW: ("", '"')}
_ESCAPED: Final = re.compile(r'["\\\x00-\x1f]')


@dataclass(frozen=True, slots=True)
class _Operand:
    """The target of a path in a filter: the JSON value at `keys` of `base`, or a column.

    `many` is the array when `attribute` is multi-valued; `keys` then lead on from an element.
    """

    leaf: Attribute
    base: Sql
    keys: tuple[str, ...]
    column: Column | None = None
    many: Sql | None = None
    attribute: Attribute | None = None
    is_negated: bool = False

    @property
    def relation(self) -> Asked | None:
        """The relation that the values are of."""
        return _asked(self.attribute, is_negated=self.is_negated)

    def compared(self) -> "_Operand":
        """The operand that a comparison reads: of a complex attribute, its `value`."""
        value = self.leaf.find("value")
        if value is None:
            return self
        return replace(self, leaf=value, keys=(*self.keys, value.name))


@dataclass(frozen=True, slots=True)
class _Compiler:
    """Compiles filters over a resource, or over one value (`element`) of the attribute `within`.

    `is_negated` is what stands in a `not`.
    """

    resource_type: ResourceType
    tenant_url: str
    within: Located | None = None
    element: Sql = _ELEMENT
    is_negated: bool = False

    def compile(self, tree: Filter) -> Sql:
        match tree:
            case And(terms):
                return join(" AND ", (self.compile(term) for term in terms))
            case Or(terms):
                return join(" OR ", (self.compile(term) for term in terms))
            case Not(term):
                return _negate(replace(self, is_negated=True).compile(term))
            case Present(path):
                return _present(self._operand(path))
            case Comparison(path, operator, value):
                return _comparison(self._operand(path), operator, value)
            case ValuePath(path, inner):
                return self._value_path(path, inner)
            case _:
                assert_never(tree)

    def _operand(self, path: AttributePath) -> _Operand:
        if self.within is not None:
            return self._member(self.within, path)
        located = locate(self.resource_type, path)
        keys = (located.sub.name,) if located.sub else ()
        if located.attribute.multi_valued:
            array = columns.values(self.resource_type, located, self.tenant_url)
            leaf, attribute = located.leaf, located.attribute
            return _Operand(leaf, _ELEMENT, keys, None, array, attribute, self.is_negated)
        column = columns.find_column(self.resource_type, located, self.tenant_url)
        return _Operand(located.leaf, columns.COMPARABLE, (*located.keys, *keys), column)

    def _member(self, within: Located, path: AttributePath) -> _Operand:
        leaf = within.attribute.find(path.name)
        if leaf is None:  # `value`, of simple values
            return _Operand(within.attribute, self.element, ())
        column = None
        if not within.attribute.multi_valued:
            located = replace(within, sub=leaf)
            column = columns.find_column(self.resource_type, located, self.tenant_url)
        return _Operand(leaf, self.element, (leaf.name,), column)

    def _value_path(self, path: AttributePath, inner: Filter) -> Sql:
        located = locate(self.resource_type, path)
        attribute = located.attribute
        value = columns.values(self.resource_type, located, self.tenant_url)
        element = value if not attribute.multi_valued else _ELEMENT
        compiler = _Compiler(self.resource_type, self.tenant_url, located, element)
        if not attribute.multi_valued:
            return sql("({} AND {})", _present(self._operand(path)), compiler.compile(inner))
        members = compiler.equal_members(inner)
        asked = _asked(attribute, is_negated=self.is_negated)
        if members is None:
            return _some(asked, value, compiler.compile(inner), _names(inner))
        return _has(asked, value, members)

    def equal_members(self, tree: Filter) -> dict[str, Any] | None:
        """The members an element must have when the filter only asks for equality."""
        members: dict[str, Any] = {}
        for term in tree.terms if isinstance(tree, And) else (tree,):
            if not isinstance(term, Comparison) or term.operator is not Operator.EQ:
                return None
            operand = self._operand(term.path).compared()
            if term.value is None or len(operand.keys) != 1 or operand.keys[0] in members:
                return None
            members[operand.keys[0]] = check_comparison(operand.leaf, term.operator, term.value)
        return members


def compile_filter(tree: Filter, resource_type: ResourceType, tenant_url: str) -> Sql:
    """The condition that a row matches the filter. Raises InvalidFilter."""
    validate(tree, resource_type)
    return _Compiler(resource_type, tenant_url).compile(tree)


def compile_equal(column: Column, located: Located, literal: Literal) -> Sql:
    """The condition that a column has the value of a filter by `eq` alone; what `compile_filter` makes.

    Raises InvalidFilter.
    """
    key = check_comparison(located.leaf, Operator.EQ, literal)
    return _compare_column(column, Operator.EQ, key)


def compile_element(
    tree: Filter, resource_type: ResourceType, attribute: Attribute, element: Sql
) -> Sql:
    """The condition that one comparable value of a complex attribute matches. Raises InvalidFilter."""
    element_predicate(tree, attribute)  # refuses what cannot be asked
    return _Compiler(resource_type, "", Located(attribute), element).compile(tree)


def _negate(condition: Sql) -> Sql:
    return sql("NOT COALESCE({}, FALSE)", condition)


def _present(operand: _Operand) -> Sql:
    if operand.column is not None:
        return sql("{} IS NOT NULL", operand.column.expression)
    attribute = operand.attribute
    if attribute is not None and attribute.relation is not None and operand.keys in _ALWAYS:
        return relations.has_any(attribute.relation)
    if operand.many is not None and not operand.keys:
        return sql("{} IS NOT NULL", operand.many)  # no array is empty
    found = sql("{} IS NOT NULL", columns.as_json(operand.base, operand.keys))
    return (
        found
        if operand.many is None
        else _some(operand.relation, operand.many, found, operand.keys)
    )


def _comparison(operand: _Operand, operator: Operator, literal: Any) -> Sql:
    if operator is Operator.NE:
        return _negate(_comparison(replace(operand, is_negated=True), Operator.EQ, literal))
    if literal is None:  # `eq null`; no other operator passes validate()
        return _negate(_present(operand))
    key = check_comparison(operand.leaf, operator, literal)
    operand = operand.compared()
    if operand.many is None:
        return _compare(operand, operator, key)
    if operator is Operator.EQ:
        element = {operand.keys[0]: key} if operand.keys else key
        return _has(operand.relation, operand.many, element)
    condition = _compare(operand, operator, key)
    found = _some(operand.relation, operand.many, condition, operand.keys)
    if operand.relation is not None or operator not in _QUOTES or _ESCAPED.search(key):
        return found
    # Not to take each array apart: its text has the part, too.
    before, behind = _QUOTES[operator]
    part = Parameter(f"{before}{key}{behind}")
    return sql("(strpos({}::text, {}::text) > 0 AND {})", operand.many, part, found)


def _compare(operand: _Operand, operator: Operator, key: Any) -> Sql:
    if operand.column is not None:
        return _compare_column(operand.column, operator, key)
    if operand.leaf.type in _TEXTUAL:
        text = columns.as_text(operand.base, operand.keys)
        return _operate(operator, text, sql("{}::text", Parameter(key)))
    value = columns.as_json(operand.base, operand.keys)
    return _operate(operator, value, sql("{}::jsonb", Parameter(json.dumps(key))))


def _operate(operator: Operator, value: Sql, literal: Sql) -> Sql:
    template = _TEMPLATES[operator]
    return sql(template, value, *[literal] * (template.count("{}") - 1))


def _compare_column(column: Column, operator: Operator, key: Any) -> Sql:
    if column is columns.ID and operator is Operator.EQ:
        return _is_id(key)
    literal = sql(f"{{}}::{column.type}", Parameter(key))
    return _operate(operator, column.expression, literal)


def _is_id(key: str) -> Sql:
    """The primary key's index can only be asked for an id."""
    identifier = read_id(key)
    return _FALSE if identifier is None else sql("id = {}", Parameter(identifier))


def _has(asked: Asked | None, array: Sql, element: Any) -> Sql:
    """Some element has this value or these members.

    The GIN index scim_resource_emails answers it for e-mails, scim_membership for relations.
    """
    if asked is not None:
        return relations.has(asked, element)
    return sql("{} @> {}::jsonb", array, Parameter(json.dumps([element])))


def _some(asked: Asked | None, array: Sql, condition: Sql, names: Collection[str]) -> Sql:
    """The condition that another one, which asks for members of these names, holds for some element."""
    if asked is not None:
        return relations.some(asked, condition, names)
    return sql(_SOME, array, condition)


def _asked(attribute: Attribute | None, *, is_negated: bool) -> Asked | None:
    relation = attribute.relation if attribute else None
    return None if relation is None else Asked(relation, is_negated)


def _names(tree: Filter) -> set[str]:
    """The members that a filter in square brackets asks for, in lower case."""
    match tree:
        case And(terms) | Or(terms):
            return set().union(*map(_names, terms))
        case Not(term):
            return _names(term)
        case Present(path) | Comparison(path) | ValuePath(path):
            return {path.name.lower()}
        case _:
            assert_never(tree)
