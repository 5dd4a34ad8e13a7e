"""The operations that are measured: the requests that each sends, and what the answers must say.

A script is a generator: it yields a request and is sent the answer, so that a driver of sockets and a
call in the process run the same. It goes on until it is closed, or until its stock of users is used up.
"""

import json
import random
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from tests.support.bench import people

PAGE: Final = 100
_SHOWN: Final = 300  # characters of a wrong answer
_ID: Final = re.compile(rb'"id":\s*"([^"]+)"')
_TOTAL: Final = re.compile(rb'"totalResults":\s*(\d+)')
_CURSOR: Final = re.compile(rb'"nextCursor":\s*"([^"]+)"')


class Request(NamedTuple):
    method: str
    path: str  # below /scim
    body: bytes = b""


class Answer(NamedTuple):
    status: int
    body: bytes


Script = Generator[Request, Answer, None]


class WrongAnswerError(AssertionError):
    """An answer that is not what the request asks for; nothing measured after it would mean anything."""


@dataclass(slots=True)
class Directory:
    """The users that a script has: those that are there, and numbers that are its own.

    Whoever asks for a user moves on to another tenant; what follows is about the same user.
    """

    users: int  # of each tenant
    chance: random.Random
    fresh: Iterator[int]  # numbers of users that nobody has created
    stock: Iterator[int]  # numbers of users that are there and active, each to be taken once
    ids: Mapping[str, str] = field(
        default_factory=dict
    )  # by number, where they do not follow from it
    tenants: int = 1
    is_plain: bool = False  # a PATCH: people.patched
    tenant: int = 0  # that the request is for

    def anybody(self) -> int:
        """The number of a user who is there and stays active."""
        self._move_on()
        return self.chance.randrange(self.users)

    def newcomers(self) -> Iterator[int]:
        """The numbers of users that are not there."""
        for number in self.fresh:
            self._move_on()
            yield number

    def leavers(self) -> Iterator[int]:
        """The numbers of users that are there and active, each of them once."""
        for number in self.stock:
            self._move_on()
            yield number

    def identifier(self, number: int) -> str:
        return self.ids.get(str(number)) or people.identifier(number)

    def _move_on(self) -> None:
        if self.tenants > 1:
            self.tenant = self.chance.randrange(self.tenants)


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    title: str
    script: Callable[[Directory], Script]
    uses_stock: bool = False


def _filtered(number: int) -> Request:
    value = quote(f'userName eq "{people.user_name(number)}"')
    return Request("GET", f"/Users?filter={value}")


def _posted(number: int) -> Request:
    return Request("POST", "/Users", _json(people.posted(number)))


def _patched(
    directory: Directory, identifier: str, number: int, mark: int, *, active: bool = True
) -> Request:
    family, email = f"Smith{mark:06}", f"new{people.digits(number)}.{mark:06}@{people.DOMAIN}"
    body = people.patched(family, email, active=active, is_plain=directory.is_plain)
    return Request("PATCH", f"/Users/{identifier}", _json(body))


def _mix(directory: Directory) -> Script:
    for number in directory.newcomers():
        _expect_found((yield _filtered(number)), None)
        identifier = _expect_user((yield _posted(number)), 201, number)
        _expect_found((yield _filtered(number)), number)
        mark = directory.chance.randrange(1_000_000)
        changed = yield _patched(directory, identifier, number, mark)
        _expect_changed(directory, changed, mark, active=True)
        _expect_user((yield Request("GET", f"/Users/{identifier}")), 200, number)


def _filter_hit(directory: Directory) -> Script:
    while True:
        number = directory.anybody()
        _expect_found((yield _filtered(number)), number)


def _filter_miss(directory: Directory) -> Script:
    for number in directory.newcomers():
        _expect_found((yield _filtered(number)), None)


def _get(directory: Directory) -> Script:
    while True:
        number = directory.anybody()
        answer = yield Request("GET", f"/Users/{directory.identifier(number)}")
        _expect_user(answer, 200, number)


def _page(directory: Directory) -> Script:
    """Pages by index, at random places."""
    pages = max(directory.users // PAGE, 1)
    while True:
        start = 1 + PAGE * directory.chance.randrange(pages)
        answer = yield Request("GET", f"/Users?startIndex={start}&count={PAGE}")
        _expect_page(answer, min(PAGE, directory.users))


def _cursor(directory: Directory) -> Script:
    yield from _walk("")


def _sorted(directory: Directory) -> Script:
    yield from _walk("&sortBy=name.familyName")


def _walk(parameters: str) -> Script:
    """Pages by cursor (RFC 9865), from the beginning on and again."""
    cursor = ""
    while True:
        answer = yield Request("GET", f"/Users?count={PAGE}&cursor={cursor}{parameters}")
        _expect(answer, answer.status == 200 and _TOTAL.search(answer.body), "a page")
        found = _CURSOR.search(answer.body)
        cursor = found[1].decode() if found else ""


def _create(directory: Directory) -> Script:
    for number in directory.newcomers():
        _expect_user((yield _posted(number)), 201, number)


def _patch(directory: Directory) -> Script:
    while True:
        number, mark = directory.anybody(), directory.chance.randrange(1_000_000)
        answer = yield _patched(directory, directory.identifier(number), number, mark)
        _expect_changed(directory, answer, mark, active=True)


def _patch_away(directory: Directory) -> Script:
    for number in directory.leavers():
        mark = directory.chance.randrange(1_000_000)
        answer = yield _patched(directory, directory.identifier(number), number, mark, active=False)
        _expect_changed(directory, answer, mark, active=False)


def _delete(directory: Directory) -> Script:
    for number in directory.leavers():
        answer = yield Request("DELETE", f"/Users/{directory.identifier(number)}")
        _expect(answer, answer.status == 204 and not answer.body, "204")


OPERATIONS: Final = {
    each.name: each
    for each in (
        Operation("mix", "Entra's mix", _mix),
        Operation("filter-hit", "filter hit", _filter_hit),
        Operation("filter-miss", "filter miss", _filter_miss),
        Operation("get", "get", _get),
        Operation("page", "page of 100", _page),
        Operation("create", "create", _create),
        Operation("patch", "PATCH, no departure", _patch),
        Operation("patch-away", "PATCH, departure", _patch_away, uses_stock=True),
        Operation("delete", "delete", _delete, uses_stock=True),
        Operation("cursor", "page of 100 by cursor", _cursor),
        Operation("sorted", "the same, sorted by family name", _sorted),
    )
}
# Those of a run that names none: the last two ask for more than any peer has.
USUAL: Final = tuple(name for name in OPERATIONS if name not in {"cursor", "sorted"})


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _expect(answer: Answer, is_right: object, what: str) -> None:
    if not is_right:
        text = answer.body[:_SHOWN].decode(errors="replace")
        raise WrongAnswerError(f"{what} was expected, and {answer.status} came: {text}")


def _expect_found(answer: Answer, number: int | None) -> None:
    total = _TOTAL.search(answer.body)
    found = -1 if total is None else int(total[1])
    if number is None:
        _expect(answer, answer.status == 200 and found == 0, "no user")
        return
    is_in = people.user_name(number).encode() in answer.body
    _expect(answer, answer.status == 200 and found == 1 and is_in, f"user {number} alone")


def _expect_user(answer: Answer, status: int, number: int) -> str:
    """The id of the user in the answer."""
    found = _ID.search(answer.body)
    is_right = answer.status == status and people.user_name(number).encode() in answer.body
    _expect(answer, is_right and found, f"{status} with user {number}")
    assert found is not None
    return found[1].decode()


def _expect_changed(directory: Directory, answer: Answer, mark: int, *, active: bool) -> None:
    if directory.is_plain and answer.status == HTTPStatus.NO_CONTENT:
        return  # a peer's right (RFC 7644 §3.5.2)
    state = re.search(rb'"active":\s*(true|false)', answer.body)
    is_right = answer.status == 200 and f"Smith{mark:06}".encode() in answer.body
    is_right = is_right and state is not None and (state[1] == b"true") is active
    _expect(answer, is_right, f"200 with the changed user, active {active},")


def _expect_page(answer: Answer, users: int) -> None:
    there = answer.body.count(b'"userName"')
    _expect(answer, answer.status == 200 and there == users, f"a page of {users}")
