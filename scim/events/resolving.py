"""Looking up names within a time limit, which `getaddrinfo` does not have.

A look-up runs in a thread. Nothing can end a thread that waits for a name server, so it is left
behind when the time is over. All who ask for a name meanwhile share its look-up, and no more than
MOST_LOOKUPS run in a process, so a name server that does not answer costs a known number of threads.
"""

import socket
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Final

MOST_LOOKUPS: Final = 64

_Place = tuple[str, int]
_running: Final[dict[_Place, Future[list[str]]]] = {}
_changing: Final = Lock()


class TooManyLookups(Exception):
    """As many look-ups as may run wait for a name server."""


def addresses(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of the host in the order in which to try them.

    Raises TimeoutError after so many seconds, TooManyLookups, and OSError or UnicodeError for a name
    that has none.
    """
    return _lookup((host, port)).result(timeout=max(seconds, 0))


def _lookup(place: _Place) -> "Future[list[str]]":
    """The look-up of that place: the one that runs, or a new one. Raises TooManyLookups."""
    with _changing:
        lookup = _running.get(place)
        if lookup is None:
            if len(_running) >= MOST_LOOKUPS:
                raise TooManyLookups
            lookup = _running[place] = Future()
            Thread(target=_run, args=(place, lookup), daemon=True).start()
    return lookup


def _run(place: _Place, lookup: "Future[list[str]]") -> None:
    host, port = place
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        _forget(place)
        lookup.set_exception(error)
    else:
        _forget(place)
        lookup.set_result([str(where[0]) for *_, where in found])


def _forget(place: _Place) -> None:
    """Have whoever asks from now on look anew."""
    with _changing:
        _running.pop(place, None)
