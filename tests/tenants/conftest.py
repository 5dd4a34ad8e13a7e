"""Sessions that threads share, as those of a serving process do."""

import pytest
from django.db import connection

from tenants.backend.sessions import Sessions


@pytest.fixture
def shared(real_tenants):
    """The sessions of this process, shared by its threads; every one is closed afterwards."""
    connection.close()
    found = Sessions()
    connection.settings_dict["SESSIONS"] = found
    yield found
    connection.close()
    del connection.settings_dict["SESSIONS"]
    found.close_idle()
    assert list(found) == []
