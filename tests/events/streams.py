"""Event streams of the tests, and a receiver that polls."""

import json
from typing import Any

from django.test import Client

from scim.events import streams
from scim.events.models import DeliveryMethod
from scim.events.streams import CreatedStream, StreamRequest
from tenants.models import Tenant
from tests.support.clients import Answer
from tests.support.people import COMMAND
from tests.support.receiver import verified

PROV = "urn:ietf:params:scim:event:prov:"
NOTICES = tuple(
    PROV + name
    for name in ("create:notice", "patch:notice", "put:notice", "delete", "activate", "deactivate")
)
FULLS = tuple(name.replace(":notice", ":full") for name in NOTICES)


def created(tenant: Tenant, method: DeliveryMethod, **options: Any) -> CreatedStream:
    """A new stream of the tenant, which gets notices unless `event_uris` says otherwise."""
    request = StreamRequest(**{"label": "HR replica", "method": method} | options)
    return streams.create_stream(COMMAND, tenant, request)


class Poller:
    """A receiver that polls a stream of its own (RFC 8936)."""

    def __init__(self, tenant: Tenant, **options: Any) -> None:
        self.tenant = tenant
        made = created(tenant, DeliveryMethod.POLL, **options)
        self.stream, self.secret = made.stream, made.secret

    def poll(self, body: Any = None, secret: str | None = None, tenant: Any = None) -> Answer:
        """The answer to a POST with that body."""
        raw = body if isinstance(body, str) else json.dumps(body or {})
        response = Client(headers={"Host": (tenant or self.tenant).host}).post(
            "/scim/events/poll",
            raw,
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret or self.secret}"},
        )
        return Answer(response.status_code, response.headers, response.content.decode())

    def keys(self) -> Any:
        """The tenant's published keys."""
        return Client(headers={"Host": self.tenant.host}).get("/scim/jwks.json").json()

    def events(self, **body: Any) -> list[dict[str, Any]]:
        """The verified claims of what a poll hands out."""
        answer = self.poll(body)
        assert answer.status == 200, answer.text
        return [self._checked(jti, token) for jti, token in answer.json["sets"].items()]

    def drained(self) -> list[dict[str, Any]]:
        """The verified claims of all that is there, each acknowledged by the poll after it."""
        found: list[dict[str, Any]] = []
        page = self.events()
        while page:
            found += page
            page = self.events(ack=[claims["jti"] for claims in page])
        return found

    def _checked(self, jti: str, token: str) -> dict[str, Any]:
        claims = verified(token, self.keys())
        assert claims["jti"] == jti
        return claims
