"""Erasure seen from outside: a dump of the whole database, searched for everything that was sent of a person."""

import json

import pytest

from tests.support import postgres, receiver
from tests.support.deployment import new_deployment
from tests.support.payloads import patch, replace, user

pytestmark = pytest.mark.e2e

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PERSON = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
    "userName": "zoe.quint@acme.example",
    "externalId": "7d0f6f0a-zoe-quint",
    "displayName": "Zoe Quint",
    "nickName": "Zoequi",
    "title": "Zeppelin Captain",
    "name": {"formatted": "Dr. Zoe Quint", "givenName": "Zoerella", "familyName": "Quintessa"},
    "emails": [{"type": "work", "value": "zoe.work@acme.example", "primary": True}],
    "phoneNumbers": [{"type": "mobile", "value": "+49 170 5551234"}],
    "addresses": [{"type": "home", "streetAddress": "Sesamweg 77", "locality": "Zwickelstadt"}],
    ENTERPRISE: {"employeeNumber": "E-774411", "department": "Zymurgy"},
}
FORMER = "zoe.former@acme.example"


def values_of(body):
    """All texts in a body that are about the person."""
    if isinstance(body, dict):
        return [
            each for key, value in body.items() if key != "schemas" for each in values_of(value)
        ]
    if isinstance(body, list):
        return [each for value in body for each in values_of(value)]
    return [body] if isinstance(body, str) and body not in {"work", "mobile", "home"} else []


VALUES = {*values_of(PERSON), FORMER}


@pytest.fixture(scope="module")
def deployment():
    """Two tenants; acme has events sent to a receiver that cannot be reached."""
    with new_deployment() as made, receiver.running() as received:
        made.environment["BASE_DOMAIN"] = (
            "mypolicies.localhost"  # a receiver may be on this machine
        )
        made.manage("migrate")
        for name in ("acme", "globex"):
            made.manage(f"tenant create {name} --name {name} --admin admin@{name}.example")
        made.manage(f"stream create acme --label HR --method push --endpoint {received.url}")
        made.start()
        yield made


def client(deployment, name):
    token = deployment.manage(f"token mint {name} --label Entra --days 30").strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}

    def ask(method, path, body=None):
        sent = body and json.dumps(body)
        host = headers | {"Host": f"{name}.mypolicies.localhost"}
        return deployment.request(name, method, f"/scim{path}", sent, host)

    return ask


def live(ask):
    """Everything that Entra sends of a person, refused requests included; deleted at the end."""
    made = ask("POST", "/Users", PERSON).json["id"]
    ask("POST", "/Users", PERSON)  # 409
    ask("POST", "/Users", PERSON | {"emails": [{"type": "work", "value": "no address"}]})
    ask("PATCH", f"/Users/{made}", replace('emails[type eq "work"].value', FORMER))
    ask("PATCH", f"/Users/{made}", replace("name.familyName", "Quintessa-Other"))
    for value in ("userName", "externalId"):
        ask("GET", f"/Users?filter={value}+eq+%22{PERSON[value].upper()}%22")
    member = patch({"op": "Add", "path": "members", "value": [{"value": made}]})
    group = ask("POST", "/Groups", {"displayName": "Guides"}).json["id"]
    ask("PATCH", f"/Groups/{group}", member)
    operation = {"method": "POST", "path": "/Users", "bulkId": "b1", "data": PERSON}
    urn = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
    ask("POST", "/Bulk", {"schemas": [urn], "Operations": [operation]})
    assert ask("DELETE", f"/Users/{made}").status == 204
    return made


def found_in(text):
    """The values that occur, whatever their letter case."""
    lowered = text.lower()
    return {value for value in VALUES if value.lower() in lowered}


def test_a_dump_of_the_database_holds_nothing_of_an_erased_person(deployment):
    acme, globex = client(deployment, "acme"), client(deployment, "globex")
    data = deployment.folder / "postgresql"
    person, other = live(acme), globex("POST", "/Users", user("bjensen")).json["id"]
    before = postgres.dump(data)

    deployment.manage(f'user erase acme {person} --reason "Request 2026-31"')
    after = postgres.dump(data)
    deployment.manage("audit verify --all")  # fails for a broken chain

    assert found_in(before) == VALUES
    assert found_in(after) == set()
    assert person in after
    assert globex("GET", f"/Users/{other}").json["userName"] == user("bjensen")["userName"]
    assert found_in(deployment.log) == set()
