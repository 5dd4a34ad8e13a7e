"""HTTP clients that speak to a tenant's host, as a browser and as the Entra provisioning service."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.test import Client
from django.test.client import ClientHandler

from accounts import tokens
from accounts.models import Account, SecretToken
from config.edge.handler import TwoChains
from tenants import clock
from tenants.current import in_tenant
from tenants.models import Tenant
from tests.support import people

MEDIA_TYPE = "application/scim+json"


class Handler(TwoChains, ClientHandler):
    """The application as config.wsgi serves it."""


# Loaded once: to find all static files anew takes longer than most requests.
HANDLER = Handler(enforce_csrf_checks=False)


def client_for(tenant: Tenant) -> Client:
    """A browser that is on the tenant's host and not signed in."""
    return Client(headers={"Host": tenant.host})


def signed_in(tenant: Tenant, account: Account) -> Client:
    """A browser on the tenant's host, signed in as the account."""
    client = client_for(tenant)
    with in_tenant(tenant):
        client.force_login(account)
    return client


def mint(tenant: Tenant) -> str:
    """The value of a new secret token for a year, issued for the tenant's admin."""
    now = clock.now()
    value = tokens.generate()
    digest = tokens.digest(tenant.id, value)
    token = SecretToken(
        public_id=tokens.public_id(digest),
        digest=digest,
        label="Microsoft Entra ID",
        issued_for=people.tenant_admin(tenant),
        created_at=now,
        created_by=people.COMMAND.name,
        expires_at=now + timedelta(days=365),
    )
    with in_tenant(tenant):
        token.save(force_insert=True)
    return value


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class ScimClient:
    """Sends SCIM requests below `/scim` of a tenant's host; `token` None sends no credentials."""

    def __init__(self, tenant: Tenant, token: str | None, base: str = "/scim") -> None:
        credentials = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.tenant = tenant
        self.token = token
        self.base = base
        self.http = Client(headers={"Host": tenant.host, **credentials})
        self.http.handler = HANDLER

    def get(self, path: str, /, headers: Mapping[str, str] | None = None, **query: Any) -> Answer:
        """The answer to a GET; `query` are the parameters, such as filter and startIndex."""
        separator = "?" if query else ""
        return self.send("GET", path + separator + urlencode(query), headers=headers)

    def post(self, path: str, body: Any, /, headers: Mapping[str, str] | None = None) -> Answer:
        return self.send("POST", path, body, headers)

    def put(self, path: str, body: Any, /, headers: Mapping[str, str] | None = None) -> Answer:
        return self.send("PUT", path, body, headers)

    def patch(self, path: str, body: Any, /, headers: Mapping[str, str] | None = None) -> Answer:
        return self.send("PATCH", path, body, headers)

    def delete(self, path: str, /, headers: Mapping[str, str] | None = None) -> Answer:
        return self.send("DELETE", path, headers=headers)

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to any request. A body that is bytes or str is sent as it is."""
        raw = body if isinstance(body, (bytes, str)) else json.dumps(body)
        response = self.http.generic(
            method,
            self.base + path,
            "" if body is None else raw,
            content_type=MEDIA_TYPE,
            headers=dict(headers or {}),
        )
        return Answer(response.status_code, response.headers, response.content.decode())
