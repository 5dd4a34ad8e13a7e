"""A tenant's own schemas in the tests of others."""

import pytest

from scim.extensions.defining import define_schema
from tests.extensions.definitions import definition
from tests.support import database
from tests.support.people import COMMAND


@pytest.fixture
def extend():
    """`extend(tenant)`: the tenant's users have acme's attributes too."""

    def define(tenant):
        with database.owned():
            return define_schema(COMMAND, tenant, definition())

    return define
