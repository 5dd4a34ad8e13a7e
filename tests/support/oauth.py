"""OAuth clients: how one is made, asks for an access token and signs an assertion."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.test import Client
from joserfc import jwt
from joserfc.jwk import ECKey

from accounts import actions
from accounts.actions import ClientRequest
from accounts.oauth import GrantRefused
from tests.support import people
from tests.support.clients import ScimClient

AUDIENCE = "http://acme.mypolicies.localhost:8000/scim/oauth/token"
TOKEN_PATH = "/scim/oauth/token"
FORM = "application/x-www-form-urlencoded"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
KEY = ECKey.generate_key("P-256", {"kid": "entra-1"})


def assertion(client, key=KEY, algorithm="ES256", now=NOW, header=None, **changes):
    """A client assertion that is in order but for the changes; None leaves a claim out."""
    claims = {
        "iss": str(client.id),
        "sub": str(client.id),
        "aud": AUDIENCE,
        "exp": int(now.timestamp()) + 600,
        "jti": "0f6a7f1e-1",
    } | changes
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(header or {"alg": algorithm}, given, key, algorithms=[algorithm])


def refusal_of(work):
    with pytest.raises(GrantRefused) as refused:
        work()
    return refused.value


def create(tenant, **changes):
    """A new client of the tenant, issued for its admin."""
    admin = people.tenant_admin(tenant)
    request = ClientRequest("Microsoft Entra ID", admin.email, **changes)
    return actions.create_oauth_client(people.COMMAND, tenant, request)


def ask(tenant, body, path=TOKEN_PATH, content_type=FORM, **headers):
    """The answer of the tenant's token endpoint to a form, or to a body that is sent as it is."""
    text = body if isinstance(body, (str, bytes)) else urlencode(body)
    client = Client(headers={"Host": tenant.host})
    return client.generic("POST", path, text, content_type=content_type, headers=headers)


def grant(created, **changes):
    """The form of client_secret_post."""
    return {
        "grant_type": "client_credentials",
        "client_id": str(created.client.id),
        "client_secret": created.value,
    } | changes


def scim_client(tenant, created, **changes):
    """A SCIM client with a new access token."""
    return ScimClient(tenant, ask(tenant, grant(created, **changes)).json()["access_token"])
