"""Accounts and tokens of the two tenants, and the people who act on them."""

import pytest

from accounts import actions
from accounts.actions import Actor, ClientRequest, TokenRequest
from accounts.permissions import Role


@pytest.fixture
def command():
    return Actor(name="root (command line)", is_command=True)


@pytest.fixture
def tara(acme, command):
    """The only active admin of acme."""
    return actions.create_account(command, acme, "tara@acme.example", "Tara Admin", Role.ADMIN)


@pytest.fixture
def gus(globex, command):
    """The only active admin of globex."""
    return actions.create_account(command, globex, "gus@globex.example", "Gus Admin", Role.ADMIN)


@pytest.fixture
def alice(operator, command):
    """A member of the support team."""
    account = actions.create_account(
        command, operator, "alice@mypolicies.example", "Alice", Role.SUPPORT
    )
    return Actor.account(account, operator, "192.0.2.7")


@pytest.fixture
def minted(acme, tara, command):
    """A live token of acme, issued for tara."""
    return actions.mint_token(
        command, acme, TokenRequest("Microsoft Entra ID", tara.email, days=365)
    )


@pytest.fixture
def created(acme, tara, command):
    """A client of acme with one secret, issued for tara."""
    return actions.create_oauth_client(
        command, acme, ClientRequest("Microsoft Entra ID", tara.email, years=2)
    )
