"""Fixtures of the screens: people of both sites, their browsers, and something to look at.

A folder whose tests need them imports all of them in its conftest.py.
"""

import pytest
from django.db import transaction
from django.test import Client

from accounts import actions
from accounts.actions import Actor, ClientRequest, TokenRequest
from accounts.models import Account
from accounts.permissions import Role
from scim.protocol.definitions import GROUP, USER
from scim.provider import catalog, resources
from scim.provider.requester import Origin, Requester
from scim.provider.resources import Existing
from scim.repository.base import Loading
from tenants.current import in_tenant

BJENSEN = {
    "schemas": [
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    ],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "bjensen@acme.example",
    "displayName": "Barbara Jensen",
    "name": {"givenName": "Barbara", "familyName": "Jensen"},
    "emails": [{"type": "work", "value": "Barbara.Jensen@acme.example", "primary": True}],
    "active": True,
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Tour Operations"},
}
JSMITH = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "externalId": "58342554-38d6-4ec8-948c-50044d0a33fd",
    "userName": "jsmith@globex.example",
    "displayName": "John Smith",
    "emails": [{"type": "work", "value": "john.smith@globex.example"}],
    "active": True,
}


@pytest.fixture
def command():
    return Actor(name="root (command line)", is_command=True)


@pytest.fixture
def add(command):
    """Add an account with a role to a tenant."""

    def add_account(tenant, email, role):
        return actions.create_account(command, tenant, email, "", role)

    return add_account


@pytest.fixture
def staff(operator, add):
    """One account of each staff role, by role; alice is the one of the support team."""
    emails = {
        Role.SUPPORT: "alice@mypolicies.example",
        Role.SUPPORT_LEAD: "lena@mypolicies.example",
        Role.AUDITOR: "aude@mypolicies.example",
        Role.OPERATOR: "olaf@mypolicies.example",
    }
    return {role: add(operator, email, role) for role, email in emails.items()}


@pytest.fixture
def tara(acme, add):
    return add(acme, "tara@acme.example", Role.ADMIN)


@pytest.fixture
def gus(globex, add):
    return add(globex, "gus@globex.example", Role.ADMIN)


@pytest.fixture
def open_browser():
    """Open a browser at a tenant's host, in which the account, if any, is signed in."""

    def browser(tenant, account: Account | None = None) -> Client:
        client = Client(HTTP_HOST=tenant.host)
        if account is not None:
            with transaction.atomic(), in_tenant(tenant):
                client.force_login(account)
        return client

    return browser


@pytest.fixture
def alice(operator, staff, open_browser):
    """Alice of the support team at her browser on the staff host."""
    return open_browser(operator, staff[Role.SUPPORT])


@pytest.fixture
def lena(operator, staff, open_browser):
    """Lena, support lead, at her browser on the staff host."""
    return open_browser(operator, staff[Role.SUPPORT_LEAD])


@pytest.fixture
def olaf(operator, staff, open_browser):
    """Olaf, operator, at his browser on the staff host."""
    return open_browser(operator, staff[Role.OPERATOR])


@pytest.fixture
def minted(acme, tara, command):
    return actions.mint_token(command, acme, TokenRequest("Microsoft Entra ID", tara.pk, days=365))


@pytest.fixture
def created(acme, tara, command):
    """An OAuth client of acme with one secret."""
    return actions.create_oauth_client(
        command, acme, ClientRequest("Microsoft Entra ID", tara.email)
    )


@pytest.fixture
def provision():
    """Provision a user in a tenant as Entra does."""

    def create(tenant, body, token=None):
        with transaction.atomic(), in_tenant(tenant):
            user = catalog.resource_type(tenant, "User")
            return resources.create(user, body, requester(tenant, token))

    return create


@pytest.fixture
def own_host(acme, tara, open_browser):
    """Tara, tenant admin of acme, at her browser on her own host."""
    return open_browser(acme, tara)


@pytest.fixture
def change(acme, minted):
    """Patch a resource of acme as Entra does."""

    def modify(stored, body, resource_type=USER):
        with transaction.atomic(), in_tenant(acme):
            existing = Existing(resource_type, str(stored.id), Loading(acme.tenant_url))
            return resources.modify(existing, body, requester(acme, minted.token))

    return modify


@pytest.fixture
def remove(acme, minted):
    """Delete a resource of acme as Entra does."""

    def delete(stored, resource_type=USER):
        with transaction.atomic(), in_tenant(acme):
            resources.delete(
                Existing(resource_type, str(stored.id), Loading(acme.tenant_url)),
                requester(acme, minted.token),
            )

    return delete


@pytest.fixture
def bjensen(acme, provision, minted):
    return provision(acme, BJENSEN, minted.token)


@pytest.fixture
def provision_group():
    """Provision a group in a tenant; members are resources provisioned before."""

    def create(tenant, name, *members):
        body = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": name,
            "members": [{"value": str(member.id)} for member in members],
        }
        with transaction.atomic(), in_tenant(tenant):
            return resources.create(GROUP, body, requester(tenant))

    return create


@pytest.fixture
def guides(acme, bjensen, provision_group):
    return provision_group(acme, "Tour Guides", bjensen)


@pytest.fixture
def jsmith(globex, provision):
    return provision(globex, JSMITH)


def requester(tenant, token=None):
    """The Entra provisioning service, calling with the token."""
    return Requester(
        tenant_url=tenant.tenant_url,
        request_id="6f1c40a4-0001",
        origin=Origin("POST", "/scim/Users", "Entra provisioning", token and token.pk),
        name=str(token) if token else "",
        address="203.0.113.9",
    )
