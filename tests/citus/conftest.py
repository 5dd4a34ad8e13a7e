"""Tests of a real cluster: collected when DATABASE_URL leads to a coordinator (`make test-citus`)."""

from tests.support.citus import is_given

collect_ignore_glob = [] if is_given() else ["test_*.py"]
