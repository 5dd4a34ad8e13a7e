"""Pieces of a file, created by several processes at once.

Creating users is mostly Python, which one process does on one processor. Each process has a connection of
its own; the results come in the order of the file. After a piece that failed no further one is begun.
"""

import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import Final

from django.db import connections

from scim.importing import users
from scim.importing.files import Piece
from scim.importing.users import Done, Run

_WAITING: Final = 4  # pieces handed to a process before it needs them


def create(run: Run, pieces: Iterable[Piece], processes: int) -> Iterator[Done]:
    """The results of the pieces, up to those that were begun when one failed."""
    create_one = partial(users.create, run)
    if processes == 1:
        for piece in pieces:
            done = create_one(piece)
            yield done
            if done.failure:
                return
    else:
        connections.close_all()  # which the processes would share
        with _pool(processes) as pool:
            yield from _in_turn(pool, create_one, iter(pieces), processes * _WAITING)


def _pool(processes: int) -> ProcessPoolExecutor:
    """Processes that are copies of this one, and leave it to this one to act upon Ctrl-C."""
    ignore = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    return ProcessPoolExecutor(processes, get_context("fork"), ignore)


def _in_turn(
    pool: ProcessPoolExecutor, create_one: "partial[Done]", pieces: Iterator[Piece], most: int
) -> Iterator[Done]:
    begun: deque[Future[Done]] = deque()
    has_failed = False
    try:
        while True:
            if not has_failed:
                ahead = islice(pieces, most - len(begun))
                begun.extend(pool.submit(create_one, piece) for piece in ahead)
            if not begun:
                return
            done = _result(begun.popleft())
            if done.failure and not has_failed:
                has_failed = True
                begun = deque(each for each in begun if not each.cancel())
            yield done
    finally:
        for each in begun:
            each.cancel()


def _result(future: "Future[Done]") -> Done:
    try:
        return future.result()
    except BrokenProcessPool:
        return Done(failure="A process of the import ended.")
