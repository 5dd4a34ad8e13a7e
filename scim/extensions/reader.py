"""Extension schemas as tenants define them: read from the JSON that /Schemas serves (RFC 7643 §7).

The reader is strict, because an accepted definition then validates requests: each refusal names the
place and its content. Promises that the service could announce but not keep are refused as well.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Final, TypeVar

from scim.protocol import urns
from scim.protocol.schema import Attribute, Mutability, Returned, Schema, Type, Uniqueness
from scim.protocol.text import is_acceptable

MAX_ATTRIBUTES: Final = 100
MAX_SUB_ATTRIBUTES: Final = 30
MAX_CANONICAL_VALUES: Final = 200
_MAX_NAME: Final = 64
_MAX_TEXT: Final = 1_000

# A version and a name at its end tell a schema from its attributes in every path (RFC 7643 §10.3.1).
_URN: Final = re.compile(
    r"urn:[a-z0-9][a-z0-9-]{1,31}:[a-z0-9._~/:-]*?:?\d+\.\d+:[a-z][a-z0-9_-]*",
    re.IGNORECASE | re.ASCII,
)
_MAX_URN: Final = 200
_RESERVED: Final = ("urn:ietf:params:scim:schemas:core:", "urn:ietf:params:scim:api:")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_REF: Final = "$ref"

_SCHEMA_KEYS: Final = frozenset({"schemas", "id", "name", "description", "attributes", "meta"})
_CHARACTERISTICS: Final = frozenset(
    {
        "name",
        "type",
        "subAttributes",
        "multiValued",
        "description",
        "required",
        "canonicalValues",
        "caseExact",
        "mutability",
        "returned",
        "uniqueness",
        "referenceTypes",
    }
)
_ALWAYS_EXACT: Final = frozenset({Type.REFERENCE, Type.BINARY})  # RFC 7643 §2.3.6, §2.3.7
_UNIQUE_TYPES: Final = frozenset({Type.STRING, Type.REFERENCE, Type.INTEGER})

E = TypeVar("E", bound=Enum)


class DefinitionRefused(ValueError):
    """A definition that cannot be used; the message is a sentence for whoever wrote it."""


def read_schema(body: Any) -> Schema:
    """The schema that a Schema resource describes. Raises DefinitionRefused."""
    if not isinstance(body, dict):
        raise DefinitionRefused("The definition must be a JSON object, as /Schemas shows one.")
    _check_keys(body, _SCHEMA_KEYS, "The definition")
    urn = body.get("id")
    if not isinstance(urn, str) or len(urn) > _MAX_URN or not _URN.fullmatch(urn):
        raise DefinitionRefused(
            "id must be a URN that ends in a version and a name, such as"
            " urn:ietf:params:scim:schemas:extension:acme:2.0:User."
        )
    if urn.lower().startswith(_RESERVED) or urn.lower() == urns.ENTERPRISE_USER.lower():
        raise DefinitionRefused(f"{urn} is a schema of the standard; choose a URN of your own.")
    name = body.get("name") or urn.rpartition(":")[2]
    attributes = _read_attributes(body.get("attributes"), "attributes", MAX_ATTRIBUTES)
    return Schema(
        urn, _text(name, "name"), _text(body.get("description", ""), "description"), attributes
    )


def _read_attributes(raw: Any, at: str, limit: int) -> tuple[Attribute, ...]:
    if not isinstance(raw, list) or not raw:
        raise DefinitionRefused(f"{at} must be an array of one attribute or more.")
    if len(raw) > limit:
        raise DefinitionRefused(f"{at} has more than {limit} attributes.")
    is_sub = at != "attributes"
    found = tuple(_read_attribute(item, f"{at}[{i}]", is_sub=is_sub) for i, item in enumerate(raw))
    seen: set[str] = set()
    for attribute in found:
        if attribute.name.lower() in seen:
            raise DefinitionRefused(
                f"{at} names {attribute.name} twice; letter case does not count."
            )
        seen.add(attribute.name.lower())
    return found


def _read_attribute(raw: Any, at: str, *, is_sub: bool) -> Attribute:
    if not isinstance(raw, dict):
        raise DefinitionRefused(f"{at} must be an object.")
    name = raw.get("name")
    if (
        not isinstance(name, str)
        or len(name) > _MAX_NAME
        or not (_NAME.fullmatch(name) or (is_sub and name == _REF))
    ):
        raise DefinitionRefused(
            f"{at}.name must be a name of letters, digits, - and _ that begins with a letter, of at"
            f" most {_MAX_NAME} characters."
        )
    at = f"{at} ({name})"
    _check_keys(raw, _CHARACTERISTICS, at)
    type_ = _choice(Type, raw, "type", at, Type.STRING)
    if is_sub and type_ is Type.COMPLEX:
        raise DefinitionRefused(f"{at}.type: a sub-attribute cannot be complex (RFC 7643 §2.3.8).")
    attribute = Attribute(
        name,
        type_,
        _text(raw.get("description", ""), f"{at}.description"),
        multi_valued=_flag(raw, "multiValued", at),
        required=_flag(raw, "required", at),
        canonical_values=_texts(raw, "canonicalValues", at),
        case_exact=_flag(raw, "caseExact", at, default=type_ in _ALWAYS_EXACT),
        mutability=_choice(Mutability, raw, "mutability", at, Mutability.READ_WRITE),
        returned=_choice(Returned, raw, "returned", at, Returned.DEFAULT),
        uniqueness=_choice(Uniqueness, raw, "uniqueness", at, Uniqueness.NONE),
        reference_types=_texts(raw, "referenceTypes", at),
        sub_attributes=_sub_attributes(raw, type_, at),
    )
    _check_keepable(attribute, at, is_sub=is_sub)
    return attribute


def _sub_attributes(raw: Mapping[str, Any], type_: Type, at: str) -> tuple[Attribute, ...]:
    sent = raw.get("subAttributes")
    if type_ is Type.COMPLEX:
        return _read_attributes(sent, f"{at}.subAttributes", MAX_SUB_ATTRIBUTES)
    if sent:
        raise DefinitionRefused(f"{at}.subAttributes belong to the type complex only.")
    return ()


def _check_keepable(attribute: Attribute, at: str, *, is_sub: bool) -> None:
    """Refuse characteristics that contradict each other or that nothing here could honor."""
    is_write_only = attribute.mutability is Mutability.WRITE_ONLY
    is_unique = attribute.uniqueness is not Uniqueness.NONE
    is_plain = attribute.type in _UNIQUE_TYPES and not attribute.multi_valued and not is_sub
    refusals = (
        (attribute.type in _ALWAYS_EXACT and not attribute.case_exact,
         f"caseExact must be true for the type {attribute.type.value}."),
        (attribute.mutability is Mutability.READ_ONLY,
         "mutability cannot be readOnly: nothing would ever write it."),
        (is_write_only and attribute.returned is not Returned.NEVER,
         "returned must be never when mutability is writeOnly (RFC 7643 §7)."),
        (is_write_only and (attribute.required or is_unique),
         "a writeOnly attribute is not kept, so it can be neither required nor unique."),
        (is_sub and attribute.multi_valued,
         "multiValued cannot be true for a sub-attribute."),
        (is_unique and not is_plain,
         "uniqueness is for single-valued attributes of the types string, reference and integer."),
        (attribute.type is Type.REFERENCE and not attribute.reference_types,
         "referenceTypes must say what the reference is to, such as external (RFC 7643 §7)."),
    )  # fmt: skip
    for is_refused, sentence in refusals:
        if is_refused:
            raise DefinitionRefused(f"{at}: {sentence}")


def _check_keys(raw: Mapping[str, Any], known: frozenset[str], at: str) -> None:
    for key in raw:
        if key not in known:
            shown = key[:_MAX_NAME] if key.isprintable() else "with a name that cannot be shown"
            raise DefinitionRefused(
                f"{at} has an unknown member {shown}; known are {', '.join(sorted(known))}."
            )


def _choice(kind: type[E], raw: Mapping[str, Any], key: str, at: str, default: E) -> E:
    sent = raw.get(key, default.value)
    for choice in kind:
        if choice.value == sent:
            return choice
    raise DefinitionRefused(f"{at}.{key} must be one of {', '.join(str(c.value) for c in kind)}.")


def _flag(raw: Mapping[str, Any], key: str, at: str, *, default: bool = False) -> bool:
    sent = raw.get(key, default)
    if not isinstance(sent, bool):
        raise DefinitionRefused(f"{at}.{key} must be true or false.")
    return sent


def _texts(raw: Mapping[str, Any], key: str, at: str) -> tuple[str, ...]:
    sent = raw.get(key, [])
    if not isinstance(sent, list) or len(sent) > MAX_CANONICAL_VALUES:
        raise DefinitionRefused(
            f"{at}.{key} must be an array of at most {MAX_CANONICAL_VALUES} strings."
        )
    return tuple(_text(item, f"{at}.{key}") for item in sent)


def _text(raw: Any, at: str) -> str:
    if not isinstance(raw, str) or len(raw) > _MAX_TEXT or not is_acceptable(raw):
        raise DefinitionRefused(f"{at} must be text of at most {_MAX_TEXT} characters.")
    return raw


def incompatibilities(old: Schema, new: Schema) -> Iterator[str]:
    """The reasons why values stored under the old schema could not be read under the new one.

    A sentence each. New attributes, and other characteristics than those that decide how a value
    is stored and compared, are free to change.
    """
    yield from _incompatible(old.attributes, new.attributes, "")


def _incompatible(old: Sequence[Attribute], new: Sequence[Attribute], prefix: str) -> Iterator[str]:
    by_name = {attribute.name: attribute for attribute in new}
    for before in old:
        name, after = f"{prefix}{before.name}", by_name.get(before.name)
        if after is None:
            yield f"{name} is missing."
            continue
        if (before.type, before.multi_valued, before.case_exact) != (
            after.type,
            after.multi_valued,
            after.case_exact,
        ):
            yield f"{name} has another type, multiValued or caseExact."
        yield from _incompatible(before.sub_attributes, after.sub_attributes, f"{name}.")
