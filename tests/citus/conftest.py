"""Tests of a real cluster: collected when DATABASE_URL leads to a coordinator (`make test-citus`)."""

from tests.support.citus import is_given


def pytest_ignore_collect():
    return None if is_given() else True
