"""`answers REV`: the same requests to this tree and to a commit, and each difference between the two.

Some 500 requests of all kinds, refused ones among them, are sent by turns to both applications on copies
of one database. Compared are status, headers and body of each answer, and in the end the rows that were
written. Ids, which are made up anew each time, are numbered in the order in which they appear.
"""

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

from tests.support.bench import databases, trees
from tests.support.bench.comparing import Side, side
from tests.support.bench.progress import say
from tests.support.bench.requests import requests

_USERS: Final = 60
_SHOWN: Final = 700  # characters of a difference
# Ids of resources, requests and tokens, and cursors.
_MADE_UP: Final = re.compile(
    r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|(?<![\w-])[\w-]{22}(?![\w-])"
    r'|(?<=\()[0-9a-f]{8}(?=\))|(?<="nextCursor":")[^"]+|(?<="previousCursor":")[^"]+'
)
_MOMENT: Final = re.compile(r"20\d\d-\d\d-\d\d[T ][\d:.]+(?:Z|\+00(?::00)?)?")
_ID: Final = re.compile(r'"id":"([^"]+)"')
_CREATED: Final = 201
# The rows of a tenant that requests write, by their order.
_TABLES: Final = {
    "scim_resource": "created, comparable::text",
    "scim_provisioningevent": "at, sent::text, path",
    "scim_membership": "group_id, member_id",
}


class Normal:
    """Numbers what is made up, in the order of its appearance."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}

    def text(self, text: str) -> str:
        """The text with numbers in place of what is made up, and without moments."""
        return _MADE_UP.sub(self._number, _MOMENT.sub("<moment>", text))

    def _number(self, found: re.Match[str]) -> str:
        return self._numbers.setdefault(found[0].replace("-", ""), f"<{len(self._numbers)}>")


class _Asked:
    """One of the trees, asked request by request."""

    def __init__(self, tree: Side) -> None:
        self._side = tree
        self._normal = Normal()
        self._ids: list[str] = []  # of what was created

    def answer(self, method: str, path: str, body: str) -> str:
        """The answer as text; `{n}` in the request stands for the n-th resource that was created."""
        sent = [re.sub(r"\{(\d+)\}", self._id, each) for each in (path, body)]
        status, text, headers = self._side.worker.ask("send", request=(method, *sent))
        if status == _CREATED and (found := _ID.search(text)):
            self._ids.append(found[1])
        shown = "\n".join(
            f"{name}: {'; '.join(sorted(value.split('; ')))}" for name, value in sorted(headers)
        )
        return self._normal.text(f"{status}\n{shown}\n\n{text}")

    def rows(self) -> Iterator[str]:
        """The rows that were written, oldest first."""
        [schema] = self._side.filled.schemas
        with self._side.cluster.connected(self._side.database) as connection:
            for table, order in _TABLES.items():
                row: Any = "(to_jsonb(t) - 'duration_ms' - 'sealed_by')::text"
                statement: Any = f'SELECT {row} FROM "{schema}".{table} AS t ORDER BY {order}'
                for (row,) in connection.execute(statement):
                    yield f"{table} {self._normal.text(row)}"

    def _id(self, found: re.Match[str]) -> str:
        number = int(found[1])
        return self._ids[number] if number < len(self._ids) else found[0]


def answers(revision: str, url: str) -> Iterator[str]:
    """The lines of the report: each difference, and how many requests there were."""
    with ExitStack() as stack:
        cluster = stack.enter_context(databases.running(url))
        theirs = side(stack, cluster, stack.enter_context(trees.of_commit(revision)), _USERS)
        mine = side(stack, cluster, trees.here(), _USERS)
        one, other = _Asked(theirs), _Asked(mine)
        count = different = 0
        statuses: Counter[str] = Counter()
        for count, request in enumerate(requests(_USERS), 1):
            say(f"{count}: {request[0]} {request[1][:60]}")
            was, is_ = (each.answer(*request) for each in (one, other))
            statuses[is_[:3]] += 1
            if was != is_:
                different += 1
                yield from _difference(json.dumps(request), was, is_)
        yield ", ".join(f"{status}: {number}" for status, number in sorted(statuses.items()))
        yield f"{count} requests, {different} of them answered differently than {theirs.worker.tree.name} does."
        different = 0
        for was, is_ in itertools.zip_longest(one.rows(), other.rows(), fillvalue=""):
            if was != is_:
                different += 1
                yield from _difference("rows", was, is_)
        yield f"{different} of the rows differ."


def _difference(what: str, was: str, is_: str) -> Iterator[str]:
    at = next((i for i, (a, b) in enumerate(zip(was, is_, strict=False)) if a != b), 0)
    start = max(0, at - _SHOWN // 4)
    yield f"--- {what[:_SHOWN]}"
    yield f"  was … {was[start : start + _SHOWN]}"
    yield f"  is  … {is_[start : start + _SHOWN]}"
