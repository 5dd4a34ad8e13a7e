"""Sleeping under faketime: for each Python that runs with this folder in PYTHONPATH.

libfaketime 0.9.10 takes the moment until which Python sleeps for a faked one, also where
FAKETIME_DONT_FAKE_MONOTONIC leaves that clock alone, and the system refuses it (EINVAL). A wait
for no file at all is as long and names no moment.
"""

import select
import time


def _sleep(seconds: float, /) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


time.sleep = _sleep
