"""Marks of the provisioning set-up in a body: the attributes it carries, and its format of PATCH.

The tutorial's mapping has nine attributes (step 10). Which of them arrive, and in which of Entra's
two flavors of PATCH, is kept as marks from the closed set below: names, never values.
"""

from functools import lru_cache
from itertools import islice
from typing import Any, Final

from scim.protocol import sent, urns
from scim.protocol.definitions import USER
from scim.protocol.sent import Place

USER_NAME: Final = "userName"
ACTIVE: Final = "active"
WORK_EMAIL: Final = 'emails[type eq "work"].value'
EXTERNAL_ID: Final = "externalId"
WORK_COUNTRY: Final = 'addresses[type eq "work"].country'
MANAGER: Final = f"{urns.ENTERPRISE_USER}:manager"
# The attribute mapping of the tutorial, in its order.
MAPPING: Final = (
    USER_NAME,
    ACTIVE,
    WORK_EMAIL,
    "name.givenName",
    "name.familyName",
    "name.formatted",
    EXTERNAL_ID,
    WORK_COUNTRY,
    MANAGER,
)
CREATE: Final = "user created"
LEGACY: Final = "legacy PATCH"  # operations capitalized, booleans as strings
COMPLIANT: Final = "compliant PATCH"  # aadOptscim062020

_WORK: Final = '"type": "work"'
_MAX_PATH: Final = 200  # characters; those of the marks are shorter, and they are remembered
_MAX_READ: Final = 500  # values of a body; what is configured shows in the first ones
_FORMATS: Final = dict.fromkeys(("Add", "Replace", "Remove"), LEGACY) | dict.fromkeys(
    ("add", "replace", "remove"), COMPLIANT
)
_MARKS: Final = {
    Place("", USER_NAME): USER_NAME,
    Place("", ACTIVE): ACTIVE,
    Place("", EXTERNAL_ID): EXTERNAL_ID,
    Place("", "name", "givenName"): "name.givenName",
    Place("", "name", "familyName"): "name.familyName",
    Place("", "name", "formatted"): "name.formatted",
    Place("", "emails", "value", _WORK): WORK_EMAIL,
    Place("", "addresses", "country", _WORK): WORK_COUNTRY,
    Place(urns.ENTERPRISE_USER, "manager"): MANAGER,
    Place(urns.ENTERPRISE_USER, "manager", "value"): MANAGER,
}


def marks_of(method: str, body: Any) -> frozenset[str]:
    """The marks of a POST, PUT or PATCH of a user, whether or not it was accepted."""
    found = {CREATE} if method == "POST" and isinstance(body, dict) else set()
    for value in islice(sent.values(USER, body), _MAX_READ):
        found.add(_FORMATS.get(value.op, ""))
        if value.value not in (None, "", []) and len(value.path) <= _MAX_PATH:
            found.add(_mark(value.path))
    return frozenset(found - {""})


@lru_cache(maxsize=512)
def _mark(path: str) -> str:
    """The mark of an attribute; empty for others."""
    place = sent.place_of(USER, path)
    selected = _WORK if _WORK in place.selected else ""  # whatever else the filter says
    return _MARKS.get(place._replace(selected=selected), "")
