"""A client of acme's, as the Entra provisioning service is."""

import pytest
from schemathesis.pytest import plugin


def pytest_configure(config):
    """Let pytest understand tests that schemathesis makes; elsewhere its plugin is not loaded."""
    config.pluginmanager.register(plugin, "schemathesis of tests/contracts")


def pytest_collection_modifyitems(items):
    """Give each operation's test an id of its own: schemathesis 4.32 does not tell pytest 9.2."""
    for item in items:
        if isinstance(item, plugin.SchemathesisFunction):
            item._id = item.id.with_params(item.operation_label)


@pytest.fixture
def at_acme(acme, scim):
    return scim(acme)
