"""The attribute mapping of the tutorial (step 10) as it shows in a tenant's traffic, and what is wrong."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from accounts.console.page import Fact, Facts, Table, badge
from scim.monitoring.exchanges import (
    ACTIVE,
    COMPLIANT,
    CREATE,
    EXTERNAL_ID,
    LEGACY,
    MAPPING,
    USER_NAME,
    WORK_EMAIL,
)
from tenants.connectivity import ago
from tenants.models import Tenant, Traffic

_FLAG: Final = "aadOptscim062020"
_REQUIRED: Final = {
    USER_NAME: "userPrincipalName",
    WORK_EMAIL: "mail",
    EXTERNAL_ID: "objectId or mailNickname",
}


def marks_of(tenant: Tenant) -> dict[str, datetime]:
    """The marks in the tenant's requests, each with its last time: one statement."""
    found = Traffic.objects.filter(tenant=tenant).values_list("marks", flat=True).first()
    return {name: datetime.fromisoformat(at) for name, at in (found or {}).items()}


def seen(marks: dict[str, datetime], now: datetime) -> Table:
    """Each attribute of the mapping, and whether requests carry it."""
    return Table(
        "Attribute mapping, seen in traffic",
        ("Attribute", "Seen", "Last"),
        tuple(
            (
                name,
                badge("ok", "Seen") if name in marks else badge("unknown", "Not yet"),
                ago(marks[name], now) if name in marks else None,
            )
            for name in MAPPING
        ),
        "",
    )


def flavor(marks: dict[str, datetime], now: datetime) -> Facts:
    """The format of PATCH that arrives, and what it says about the flag in the Tenant URL."""
    rows = (
        (COMPLIANT, f"Changes with {_FLAG}"),
        (LEGACY, f"Changes without {_FLAG}"),
    )
    facts = [
        Fact(label, f"Last seen {ago(marks[mark], now)}" if mark in marks else "Not seen")
        for mark, label in rows
    ]
    return Facts("PATCH format", (Fact("Setting", _setting(marks)), *facts))


def _setting(marks: dict[str, datetime]) -> str:
    if COMPLIANT not in marks and LEGACY not in marks:
        return "Unknown: no change of a user has arrived yet"
    if LEGACY not in marks:
        return f"{_FLAG} is on"
    if COMPLIANT not in marks:
        return f"{_FLAG} is off. Both formats work."
    newest = "on" if marks[COMPLIANT] > marks[LEGACY] else "off"
    return (
        f"Both formats were seen, the last one with {_FLAG} {newest}. Provisioning on demand ignores the"
        " flag. Both formats work."
    )


def mistakes(marks: dict[str, datetime], *, has_users: bool) -> Table:
    """The typical mistakes in Entra, as far as the traffic shows them."""
    is_known = CREATE in marks or has_users
    return Table(
        "Typical mistakes",
        ("Problem", "Fix in Entra"),
        tuple(_mistakes(marks)),
        "No mistakes seen." if is_known else "No user has been sent yet.",
    )


def _mistakes(marks: dict[str, datetime]) -> Iterator[tuple[str, str]]:
    if CREATE not in marks:
        return
    for name, source in _REQUIRED.items():
        if name not in marks:
            yield (
                f"Entra has never sent {name}, which myPolicies requires.",
                f"Provisioning, Mappings: map {source} to {name}.",
            )
    if ACTIVE not in marks:
        yield (
            "Entra has never sent active, so people who leave stay active here.",
            f"Provisioning, Mappings: map Switch([IsSoftDeleted], , False, True, True, False) to {ACTIVE}.",
        )
