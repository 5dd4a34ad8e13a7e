"""Descriptors that threads wait for together: each is told to one of them, once, when something has come."""

import os
import select
import sys
from contextlib import suppress
from typing import Final

_RINGS: Final = b"\0"


class Readiness:
    """The kernel's knowledge of descriptors. Safe for threads."""

    def __init__(self) -> None:
        self._bell, self._ringer = os.pipe()
        os.set_blocking(self._bell, False)
        os.set_blocking(self._ringer, False)
        if sys.platform == "darwin":
            self._queue = select.kqueue()
            bell = select.kevent(self._bell, select.KQ_FILTER_READ, select.KQ_EV_ADD)
            self._queue.control([bell], 0)
        else:
            self._poller = select.epoll()
            self._poller.register(self._bell, select.EPOLLIN)

    def ask(self, number: int) -> None:
        """Have one thread told of this descriptor when something has come, or has come already.

        Raises OSError for one that is closed.
        """
        if sys.platform == "darwin":
            once = select.KQ_EV_ADD | select.KQ_EV_ONESHOT
            self._queue.control([select.kevent(number, select.KQ_FILTER_READ, once)], 0)
            return
        once = select.EPOLLIN | select.EPOLLONESHOT
        try:
            self._poller.modify(number, once)
        except FileNotFoundError:  # it is asked for the first time
            self._poller.register(number, once)

    def wait(self, seconds: float | None) -> int | None:
        """A descriptor on which something has come; None when the bell rang, or the time is over."""
        if sys.platform == "darwin":
            numbers = [each.ident for each in self._queue.control(None, 1, seconds)]
        else:
            numbers = [number for number, _ in self._poller.poll(seconds, 1)]
        if not numbers:
            return None
        if numbers[0] == self._bell:
            with suppress(BlockingIOError):  # another thread was quicker
                os.read(self._bell, len(_RINGS))
            return None
        return numbers[0]

    def ring(self, times: int = 1) -> None:
        """Have so many of the threads that wait look around."""
        with suppress(BlockingIOError):  # more rings wait than there are threads
            os.write(self._ringer, _RINGS * times)
