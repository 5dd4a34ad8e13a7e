"""The comparison key of a value: the one key that storage, filters and sorting share.

A comparable document is the resource with every value replaced by its key. It is stored beside the
document, the SQL compiler reads it, and the in-memory evaluation reads the same keys, so both
agree by construction.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from scim.protocol.schema import Attribute, ResourceType, Type
from tenants.lettercase import fold

# xsd:dateTime with the years and offsets that exist (XML Schema part 2 §3.2.7): a date without a
# time, a week date, a space or a leap second is none.
_DATE_TIME: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"T(?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
    r"(?P<offset>Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?",
)


def key(attribute: Attribute, value: Any) -> Any:
    """The key of one simple value that fits the attribute.

    Strings fold unless caseExact; dateTimes become UTC text of fixed width, which sorts by time.
    Raises ValueError for a dateTime that is none.
    """
    if attribute.folds:
        return fold(value) if isinstance(value, str) else value
    return date_time_key(value) if attribute.type is Type.DATE_TIME else value


def date_time_key(value: str) -> str:
    """An xsd:dateTime (RFC 7643 §2.3.5) as UTC text of fixed width. Raises ValueError.

    A time without an offset counts as UTC; `24:00:00` is the next day's beginning; what is finer
    than a microsecond is cut off.
    """
    found = _DATE_TIME.fullmatch(value)
    if found is None:
        raise ValueError("not an xsd:dateTime")
    time, fraction = found["time"], (found["fraction"] or "")
    is_midnight = time == "24:00:00" and not fraction.strip("0")
    moment = datetime.fromisoformat(
        f"{found['date']}T{'00:00:00' if is_midnight else time}"
        f".{fraction[:6]:0<6}{found['offset'] or 'Z'}"
    )
    try:
        moment = (moment + timedelta(days=is_midnight)).astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond the years 1 to 9999") from None
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def comparable(resource_type: ResourceType, resource: Mapping[str, Any]) -> dict[str, Any]:
    """The comparable document of a canonical resource."""
    core = _core(resource_type)
    return {
        name: comparable_value(core[name], value)
        if name in core
        else _comparable_member(resource_type, name, value)
        for name, value in resource.items()
    }


@lru_cache(maxsize=256)
def _core(resource_type: ResourceType) -> dict[str, Attribute]:
    """The attributes under no URN, by their canonical names."""
    own = (*resource_type.common, *resource_type.schema.attributes)
    return {each.name: each for each in own}


def _comparable_member(resource_type: ResourceType, name: str, value: Any) -> Any:
    urn = _urn(resource_type, name) if isinstance(value, dict) else None
    if urn is not None:
        return {
            key_: comparable_value(attribute, item)
            for key_, item in value.items()
            if (attribute := _attribute(resource_type, urn, key_))
        }
    attribute = _attribute(resource_type, None, name)
    return comparable_value(attribute, value) if attribute else value


@lru_cache(maxsize=1024)
def _urn(resource_type: ResourceType, name: str) -> str | None:
    schema = resource_type.find_schema(name)
    return schema.id if schema else None


@lru_cache(maxsize=1024)
def _attribute(resource_type: ResourceType, urn: str | None, name: str) -> Attribute | None:
    located = resource_type.locate(urn, name)
    return located.attribute if located else None


def comparable_value(attribute: Attribute, value: Any) -> Any:
    """The value of an attribute with each simple value in it replaced by its key.

    `value` is canonical: a list, an element of one, a complex or a simple value.
    """
    kind = value.__class__
    if kind is str and attribute.folds:
        return fold(value)
    if kind is list:
        return [comparable_value(attribute, item) for item in value]
    if kind is dict:
        parts = attribute.parts
        return {
            name: comparable_value(sub, item)
            for name, item in value.items()
            if (sub := parts.get(name) or attribute.find(name))
        }
    return key(attribute, value)
