"""The users of a run. Each follows from its number, so that nobody keeps a list of a million."""

from typing import Any, Final

DOMAIN: Final = "bench.example"
DIGITS: Final = 8  # of a number in names: the same for all, so that documents are equally long
# Milliseconds since 1970 of user 0; each further user is a millisecond younger.
EPOCH: Final = 1_767_225_600_000
# Numbers of users that are deactivated or deleted, and of those that are created.
STOCK: Final = 20_000_000
FRESH: Final = 50_000_000

_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
_ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def identifier(number: int, kind: int = 0) -> str:
    """The id (UUID version 7) of a seeded user; other kinds are of other rows about the user."""
    moment = f"{EPOCH + number:012x}"
    return f"{moment[:8]}-{moment[8:]}-7000-{0x8000 + kind:x}-{number:012x}"


def digits(number: int) -> str:
    """The number as names hold it."""
    return f"{number:0{DIGITS}}"


def user_name(number: int) -> str:
    return f"user{digits(number)}@{DOMAIN}"


def external_id(number: int) -> str:
    return f"0a21f0f2-8d2a-4f8e-bf98-0000{digits(number)}"


def posted(number: int) -> dict[str, Any]:
    """The body of POST /Users, as Entra sends it."""
    family = f"Jensen{digits(number)}"
    return {
        "schemas": [_CORE, _ENTERPRISE],
        "externalId": external_id(number),
        "userName": user_name(number),
        "active": True,
        "displayName": f"Barbara {family}",
        "emails": [{"primary": True, "type": "work", "value": user_name(number)}],
        "meta": {"resourceType": "User"},
        "name": {
            "formatted": f"Barbara {family}",
            "familyName": family,
            "givenName": "Barbara",
        },
        "title": "Tour Guide",
        _ENTERPRISE: {"department": "Tour Operations", "employeeNumber": digits(number)},
        "roles": [],
    }


def patched(family: str, email: str, *, active: bool, is_plain: bool = False) -> dict[str, Any]:
    """The body of a PATCH of active, family name and work e-mail, as Entra's older connector has it.

    A plain one says the same to servers that do not know that connector.
    """
    values: dict[str, Any] = {
        "active": str(active),
        "name.familyName": family,
        'emails[type eq "work"].value': email,
    }
    if is_plain:
        emails = [{"primary": True, "type": "work", "value": email}]
        values = {"active": active, "name.familyName": family, "emails": emails}
    op = "replace" if is_plain else "Replace"
    return {
        "schemas": [_PATCH],
        "Operations": [{"op": op, "path": path, "value": value} for path, value in values.items()],
    }
