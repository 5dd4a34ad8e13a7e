"""`python -m tests.support.bench.driving`: sends requests over kept connections, and times the answers.

A process of its own that is told a job a line on standard input and answers with one. It has nothing but
sockets and `select`, so that it takes little of the processors that the server needs; what it takes is in
the result.
"""

import itertools
import json
import random
import re
import select
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tests.support.bench.operations import (
    OPERATIONS,
    Answer,
    Directory,
    Request,
    WrongAnswerError,
)

CONNECTIONS: Final = 8
_PIECE: Final = 262_144  # bytes that are read at once
_LENGTH: Final = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:\s*chunked", re.IGNORECASE)
_WITHOUT_BODY: Final = 204


@dataclass(frozen=True, slots=True)
class Target:
    """The server that requests go to, and its tenants, each with host and token."""

    port: int
    base: str  # before /Users
    hosts: tuple[str, ...]
    tokens: tuple[str, ...]
    users: int  # of each tenant
    is_plain: bool = False  # a PATCH: people.patched
    ids: Mapping[str, str] = field(
        default_factory=dict
    )  # by number, where they do not follow from it


@dataclass(frozen=True, slots=True)
class Job:
    operation: str
    seconds: float
    fresh: int  # the first number of a user to be created
    stock: tuple[int, int]  # the numbers of users that may be used up
    seed: int  # of chance
    connections: int = CONNECTIONS


@dataclass(frozen=True, slots=True)
class Result:
    seconds: float
    latencies: tuple[int, ...]  # microseconds
    driver: int  # microseconds of processor time of the driver itself
    fresh: int  # the first number that was not used


class Connection:
    """One kept connection, which sends what its script yields."""

    def __init__(self, target: Target, job: Job, directory: Directory) -> None:
        self._target = target
        self._directory = directory
        self._script = OPERATIONS[job.operation].script(directory)
        self._received = bytearray()
        self._sent = 0
        self._answer = Answer(0, b"")
        self.socket = socket.create_connection(("127.0.0.1", target.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def begin(self) -> bool:
        """Send the first request; False if there is none."""
        with suppress(StopIteration):
            self._send(next(self._script))
            return True
        return False

    def receive(self) -> int | None:
        """Read what is there; the microseconds that the answer took once it is whole."""
        piece = self.socket.recv(_PIECE)
        if not piece:
            raise WrongAnswerError("The server has closed the connection.")
        self._received += piece
        answer = parsed(self._received)
        if answer is None:
            return None
        took = (time.perf_counter_ns() - self._sent) // 1000
        self._received.clear()
        self._answer = answer
        return took

    def go_on(self) -> bool:
        """Check the answer and send the next request; False if there is none."""
        with suppress(StopIteration):
            self._send(self._script.send(self._answer))
            return True
        return False

    def close(self) -> None:
        """Check the last answer, and end."""
        with suppress(StopIteration):
            self._script.send(self._answer)
        self._script.close()
        self.socket.close()

    def _send(self, request: Request) -> None:
        tenant = self._directory.tenant
        head = (
            f"{request.method} {self._target.base}{request.path} HTTP/1.1\r\n"
            f"Host: {self._target.hosts[tenant]}\r\n"
            f"Authorization: Bearer {self._target.tokens[tenant]}\r\n"
            "User-Agent: make bench\r\nAccept: application/scim+json\r\n"
            f"Content-Type: application/scim+json\r\nContent-Length: {len(request.body)}\r\n\r\n"
        )
        message = head.encode() + request.body
        self._sent = time.perf_counter_ns()
        self.socket.sendall(message)


def parsed(received: bytes | bytearray) -> Answer | None:
    """The answer that was received; None while a part of it is missing."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head, start = bytes(received[:end]), end + 4
    status = int(head[9:12])
    length = _LENGTH.search(head)
    if length:
        whole = start + int(length[1])
        return Answer(status, bytes(received[start:whole])) if len(received) >= whole else None
    if _CHUNKED.search(head):
        is_whole = received.endswith(b"\r\n0\r\n\r\n") or received[start:] == b"0\r\n\r\n"
        return Answer(status, _joined(bytes(received[start:]))) if is_whole else None
    if status == _WITHOUT_BODY:
        return Answer(status, b"")
    raise WrongAnswerError(f"An answer {status} says not how long it is.")


def _joined(chunks: bytes) -> bytes:
    """The body of chunks (RFC 9112 §7.1)."""
    body = b""
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        body += rest[:length]
        chunks = rest[length + 2 :] if length else b""
    return body


def drive(target: Target, job: Job) -> Result:
    """Send requests for so long, or until the stock is used up. Raises WrongAnswerError."""
    fresh, stock = itertools.count(job.fresh), iter(range(*job.stock))
    chance = random.Random(job.seed)  # noqa: S311  # which users are asked for
    connections = {}
    for _ in range(job.connections):
        directory = Directory(
            target.users,
            chance,
            fresh,
            stock,
            ids=target.ids,
            tenants=len(target.hosts),
            is_plain=target.is_plain,
        )
        each = Connection(target, job, directory)
        connections[each.socket.fileno()] = each
    processor, begun = time.process_time_ns(), time.perf_counter()
    latencies, ended = _exchange(connections, begun + job.seconds)
    driver = (time.process_time_ns() - processor) // 1000
    return Result(ended - begun, tuple(latencies), driver, next(fresh))


def _exchange(connections: dict[int, Connection], until: float) -> tuple[list[int], float]:
    """The microseconds of all answers, and the time of the last."""
    poll = select.epoll()
    open_ = 0
    for number, connection in connections.items():
        if connection.begin():
            poll.register(number, select.EPOLLIN)
            open_ += 1
    latencies: list[int] = []
    ended = until
    while open_:
        for number, _ in poll.poll():
            took = connections[number].receive()
            if took is None:
                continue
            latencies.append(took)
            ended = time.perf_counter()
            if ended >= until or not connections[number].go_on():
                poll.unregister(number)
                connections[number].close()
                open_ -= 1
    poll.close()
    return latencies, ended


def main() -> None:
    """Do the jobs; a wrong answer is the result, and the end."""
    target: Target | None = None
    for line in sys.stdin:
        told = json.loads(line)
        if "target" in told:
            target = Target(**told["target"])
        assert target is not None
        try:
            result: Any = asdict(drive(target, Job(**told["job"])))
        except WrongAnswerError as error:
            result = {"wrong": str(error)}
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
