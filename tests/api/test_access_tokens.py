"""Access tokens at the SCIM endpoints: what their scopes allow, what ends them, what is logged."""

from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts import actions, tokens
from accounts.models import AccessToken
from accounts.permissions import Role
from scim.models import ProvisioningEvent
from tenants import clock
from tenants.current import in_tenant
from tests.support import people
from tests.support.clients import ScimClient
from tests.support.oauth import FORM, TOKEN_PATH, ask, create, grant, scim_client

BJENSEN = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "bjensen@acme.example",
    "emails": [{"type": "work", "value": "bjensen@acme.example"}],
}


@pytest.fixture
def created(acme):
    """A client of acme with one secret."""
    return create(acme)


READS = [("GET", "/Users"), ("GET", "/Schemas"), ("POST", "/.search")]
WRITES = [
    ("POST", "/Users"),
    ("PUT", "/Users/2819c223-7f76-453a-919d-413861904646"),
    ("PATCH", "/Users/2819c223-7f76-453a-919d-413861904646"),
    ("DELETE", "/Users/2819c223-7f76-453a-919d-413861904646"),
]


@pytest.mark.parametrize(("method", "path"), READS)
def test_scim_read_lets_read_and_scim_write_does_not(acme, created, method, path):
    reader = scim_client(acme, created, scope="scim.read")
    writer = scim_client(acme, created, scope="scim.write")

    assert reader.send(method, path, {}).status == 200
    refused = writer.send(method, path, {})
    assert refused.status == 403
    assert refused.headers["WWW-Authenticate"] == (
        'Bearer realm="myPolicies SCIM", error="insufficient_scope", scope="scim.read"'
    )


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_scim_write_lets_change_and_scim_read_does_not(acme, created, method, path):
    reader = scim_client(acme, created, scope="scim.read")
    writer = scim_client(acme, created, scope="scim.write")

    refused = reader.send(method, path, BJENSEN)
    assert refused.status == 403
    assert refused.headers["WWW-Authenticate"] == (
        'Bearer realm="myPolicies SCIM", error="insufficient_scope", scope="scim.write"'
    )
    assert refused.json == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "403",
        "detail": "The access token does not have the scope scim.write: request one that has it.",
    }
    assert writer.send(method, path, BJENSEN).status != 403


def test_revoking_the_client_acts_on_the_next_request(acme, created):
    entra = scim_client(acme, created)
    assert entra.get("/Users").status == 200

    actions.revoke_oauth_client(people.COMMAND, acme, created.client.id)

    assert entra.get("/Users").status == 401
    assert ask(acme, grant(created)).json()["error"] == "invalid_client"


def test_an_account_that_is_no_active_admin_is_forbidden(acme, created):
    entra = scim_client(acme, created)
    actions.create_account(people.COMMAND, acme, "tim@acme.example", "", Role.ADMIN)
    actions.deactivate_account(people.COMMAND, acme, people.tenant_admin(acme).email)

    assert entra.get("/Users").status == 403
    assert ask(acme, grant(created)).json()["error"] == "unauthorized_client"


def test_an_access_token_that_expired_is_refused(acme, created):
    entra = scim_client(acme, created)
    with in_tenant(acme):
        AccessToken.objects.update(expires_at=clock.now())

    refused = entra.get("/Users")

    assert refused.status == 401
    assert "expired at" in refused.json["detail"]


def test_verifying_an_access_token_is_one_statement_of_a_request(acme, created, statements):
    entra = scim_client(acme, created)
    entra.get("/Schemas")

    with statements() as executed:
        entra.get("/Schemas")

    assert len(executed) == 1
    assert "FROM accounts_accesstoken" in executed[0]


def events(tenant):
    """The provisioning log by status: what happens within a millisecond has no order."""
    with in_tenant(tenant):
        return list(ProvisioningEvent.objects.order_by("status"))


def test_the_provisioning_log_names_the_client(acme, created):
    scim_client(acme, created).post("/Users", BJENSEN)

    assert [(e.operation, e.status, e.token_label, e.token_id) for e in events(acme)] == [
        ("issue token", 200, str(created.client), created.client.id),
        ("create", 201, str(created.client), created.client.id),
    ]


def test_refusals_of_the_token_endpoint_are_in_the_provisioning_log(acme, created):
    client = Client(headers={"Host": acme.host}, REMOTE_ADDR="192.0.2.77")
    stranger = grant(created, client_secret=tokens.generate("mypscim_secret_"))
    client.post(TOKEN_PATH, urlencode(stranger), content_type=FORM)
    client.post(TOKEN_PATH, urlencode(grant(created, scope="x")), content_type=FORM)

    assert [(e.operation, e.status, e.token_label, e.address, e.sent) for e in events(acme)] == [
        ("issue token", 400, str(created.client), "192.0.2.77", None),
        ("issue token", 401, "", "192.0.2.77", None),
    ]
    assert events(acme)[0].detail == "The scopes are: scim scim.read scim.write."


def test_no_secret_and_no_token_is_in_any_log(acme, created, caplog):
    caplog.set_level("DEBUG")
    value = ask(acme, grant(created)).json()["access_token"]
    ScimClient(acme, value).post("/Users", BJENSEN | {"nickName": value, "title": created.value})
    ask(acme, grant(created, scope=created.value))
    ask(acme, "", f"{TOKEN_PATH}/{created.value}")

    with in_tenant(acme):
        kept = str(list(ProvisioningEvent.objects.values("sent", "detail", "token_label")))
    assert value not in kept + caplog.text
    assert created.value not in kept
