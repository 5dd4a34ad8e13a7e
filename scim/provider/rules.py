"""The rules of myPolicies for its users, beyond the RFCs.

"myPolicies always requires userName, email and externalId": they are judged on the result of a
POST, PUT or PATCH, so that a request may pass through states that lack them.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from scim.protocol.errors import InvalidValue
from scim.protocol.schema import Attribute, ResourceType, Schema, Type
from scim.protocol.urns import USER_TYPE

_SERVER_ASSIGNED: Final = frozenset({"schemas", "id"})
# The reasons to refuse a user, and any resource, that lacks an attribute.
_MISSING: Final = {
    "userName": "user.name-missing",
    "emails": "user.email-missing",
    "externalId": "user.external-id-missing",
}
# Said in full of a user, for the administrator who reads it in Entra.
_REQUIRED: Final = {USER_TYPE: " myPolicies always requires userName, email and externalId."}


def check_required(resource_type: ResourceType, resource: Mapping[str, Any]) -> None:
    """Raise InvalidValue naming the first required attribute that the resource lacks.

    An extension's attributes are required of those who have values of it (RFC 7643 §6).
    """
    for attribute in _required(resource_type):
        is_email = attribute.name == "emails"
        if _is_blank(work_email(resource) if is_email else resource.get(attribute.name)):
            name = 'emails[type eq "work"].value' if is_email else attribute.name
            raise InvalidValue(
                _MISSING.get(attribute.name, "value.required"),
                f"{name} is missing.{_rule(resource_type)}",
            )

    for extension in resource_type.extensions:
        urn = extension.schema.id
        if urn in resource:
            _check_extension(extension.schema, resource[urn])
        elif extension.required:
            raise InvalidValue(
                "value.required",
                f"{urn} is missing; each {resource_type.name} must have values of it.",
            )


@lru_cache(maxsize=256)
def _required(resource_type: ResourceType) -> tuple[Attribute, ...]:
    """The required attributes of the core that clients have to send."""
    return tuple(
        each
        for each in (*resource_type.common, *resource_type.schema.attributes)
        if each.required and each.name not in _SERVER_ASSIGNED and each.default is None
    )


def _rule(resource_type: ResourceType) -> str:
    return _REQUIRED.get(resource_type.name, "")


def _check_extension(schema: Schema, values: Mapping[str, Any]) -> None:
    for attribute in schema.attributes:
        name, value = f"{schema.id}:{attribute.name}", values.get(attribute.name)
        if attribute.required and not attribute.is_secret and _is_blank(value):
            raise InvalidValue("value.required", f"{name} is missing.")
        if attribute.type is Type.COMPLEX and value is not None:
            for part in value if attribute.multi_valued else (value,):
                _check_parts(attribute, part, name)


def _check_parts(attribute: Attribute, part: Mapping[str, Any], at: str) -> None:
    for sub in attribute.sub_attributes:
        if sub.required and not sub.is_secret and _is_blank(part.get(sub.name)):
            raise InvalidValue("value.required", f"{at}.{sub.name} is missing.")


def work_email(resource: Mapping[str, Any]) -> str | None:
    """The user's e-mail: the work one, else the primary one, else the only one."""
    emails = resource.get("emails") or []
    choices = (
        next((e for e in emails if str(e.get("type", "")).lower() == "work"), None),
        next((e for e in emails if e.get("primary") is True), None),
        emails[0] if len(emails) == 1 else None,
    )
    chosen = next((choice for choice in choices if choice is not None), None)
    return chosen.get("value") if chosen else None


def with_defaults(resource_type: ResourceType, resource: Mapping[str, Any]) -> dict[str, Any]:
    """The resource as created: who is provisioned without `active` is active."""
    return {**resource_type.defaults, **resource}


def carried_over(
    resource_type: ResourceType, before: Mapping[str, Any], resource: Mapping[str, Any]
) -> dict[str, Any]:
    """The resource that a change leads to: one that does not mention `active` does not change it.

    RFC 7644 §3.5.1 leaves it to the server what an attribute that is left out becomes; to enable a
    disabled user without being asked would be the worst reading.
    """
    kept = {name: before.get(name, default) for name, default in resource_type.defaults.items()}
    return {**kept, **resource}


def _is_blank(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())
