"""The invariants after a fault, read from the server and its database."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tests.support.faults.ledger import Ledger, State, Write
from tests.support.faults.writers import ACTIVE, CREATED, FAMILY, MEMBER

_REQUIRED: Final = ("userName", "externalId", "emails", "id", "meta")

Users = Mapping[
    str, Sequence[Mapping[str, Any]]
]  # by userName in lower case, each as SCIM shows it


def lost(ledger: Ledger, users: Users) -> Iterator[str]:
    """The acknowledged writes that cannot be read, nor a later write of the same."""
    for name, writes in _by_user(ledger).items():
        found = users.get(name.lower(), ())
        if not found:
            yield from (f"{name}: {write.attribute}" for write in _acknowledged(writes))
            continue
        for attribute in (FAMILY, ACTIVE, MEMBER):
            of_it = [write for write in writes if write.attribute == attribute]
            if of_it and of_it[-1].state is State.ACKNOWLEDGED:
                value = _value(found[0], attribute)
                if value != of_it[-1].value:
                    yield f"{name}: {attribute} is {value!r}"


def wrong(ledger: Ledger, users: Users, logged: Counter[str]) -> Iterator[str]:
    """Whatever else is wrong: doubles, halves, what nobody wrote, answers, rows of the log."""
    sent = {write.user.lower() for write in ledger.writes}
    for name, found in users.items():
        if len(found) > 1:
            yield f"{name}: {len(found)} users"
        if name not in sent:
            yield f"{name}: nobody has written it"
        missing = [each for each in _REQUIRED if not found[0].get(each)]
        if missing:
            yield f"{name}: without {', '.join(missing)}"
    for write in ledger.writes:
        if write.problem:
            yield f"write {write.number}: {write.problem}"
        if write.state is State.ACKNOWLEDGED and logged[write.request_id] != 1:
            yield f"write {write.number}: {logged[write.request_id]} rows of the log"
        if write.attribute == CREATED and write.status == 409 and write.user.lower() not in users:
            yield f"write {write.number}: 409, and no user is found"


def _by_user(ledger: Ledger) -> Mapping[str, list[Write]]:
    found: dict[str, list[Write]] = defaultdict(list)
    for write in ledger.writes:
        found[write.user].append(write)
    return found


def _acknowledged(writes: Sequence[Write]) -> list[Write]:
    return [write for write in writes if write.state is State.ACKNOWLEDGED]


def _value(user: Mapping[str, Any], attribute: str) -> Any:
    if attribute == FAMILY:
        return user.get("name", {}).get("familyName")
    return bool(user.get("groups")) if attribute == MEMBER else user.get(attribute)
