"""Pieces of a file go to several processes; tests/e2e/test_user_import.py has a whole import by them."""

import subprocess
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings

from scim.importing import processes
from scim.importing.users import Done

# One of two processes ends while it works, as when the system has no memory left for it.
ONE_DIES = """
import django, os
django.setup()
from scim.importing import processes, users

def die(run, piece):
    os._exit(1)

users.create = die
print({done.failure for done in processes.create(None, iter(range(3)), 2)})
"""


@pytest.fixture
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def in_turn(pool, create_one, number):
    return list(processes._in_turn(pool, create_one, iter(range(number)), most=8))


def test_results_come_in_the_order_of_the_file(threads):
    assert in_turn(threads, Done, 100) == [Done(created=number) for number in range(100)]


def test_after_a_failure_no_further_piece_is_begun(threads):
    begun = deque()

    def failing_at_the_first(number):
        begun.append(number)
        return Done(failure="OperationalError" if number == 0 else "")

    results = in_turn(threads, failing_at_the_first, 60)

    assert results[0].failure == "OperationalError"
    assert sorted(begun) == list(range(len(results)))
    assert len(results) <= 8


def test_a_process_that_dies_ends_the_import():
    ended = subprocess.run(
        [sys.executable, "-c", ONE_DIES],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )

    assert ended.stdout == "{'A process of the import ended.'}\n"
