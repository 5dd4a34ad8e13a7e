"""The world of the screens, with Entra and both tenants' admins at their browsers."""

import pytest

from tests.support.at_screens import *
from tests.support.clients import ScimClient


@pytest.fixture
def at_home(acme, tara, open_browser):
    """Tara, acme's admin, at her browser on acme's own host."""
    return open_browser(acme, tara)


@pytest.fixture
def gus_at_home(globex, gus, open_browser):
    return open_browser(globex, gus)


@pytest.fixture
def entra(acme, minted):
    """Entra's provisioning service, with acme's secret token."""
    return ScimClient(acme, minted.value)
