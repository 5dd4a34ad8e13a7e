"""`manage.py up` as a person starts it: its own process, its own embedded PostgreSQL."""

import pytest

from tests.support import citus
from tests.support.server import new_server


@pytest.fixture(scope="module")
def installation():
    """A folder and a port of its own: the first start takes longest. On Citus a database there."""
    with new_server(embedded=not citus.is_given()) as made:
        yield made


@pytest.fixture
def server(installation):
    """The installation, serving, with an empty log; a test may stop and kill it."""
    if installation.process is None:
        installation.start()
    (installation.folder / "log").write_text("")
    return installation
