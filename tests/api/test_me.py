"""/Me: the provisioned user of the account that the secret token was issued for (RFC 7644 §3.11)."""

from typing import Any

import pytest

from scim.models import ProvisioningEvent
from scim.protocol import urns
from tenants.current import in_tenant
from tests.support import clients

# The admin of each tenant in the tests, for whom tokens are issued.
TARA = "tara@acme.example"


def user(name: str, email: str, **more: Any) -> dict[str, Any]:
    return {
        "schemas": [urns.USER],
        "userName": name,
        "externalId": name,
        "emails": [{"type": "work", "value": email}],
        **more,
    }


@pytest.fixture
def acme_scim(acme, scim):
    return scim(acme)


@pytest.fixture
def tara(acme_scim) -> str:
    """The id of the user that is tara."""
    acme_scim.post("/Users", user("bjensen", "bjensen@acme.example"))
    identifier: str = acme_scim.post("/Users", user("Tara@ACME.example", TARA)).json["id"]
    return identifier


def location(client, identifier: str) -> str:
    return f"{client.tenant.tenant_url}/Users/{identifier}"


def test_me_is_the_user_and_says_where_it_is_for_good(acme_scim, tara):
    answer = acme_scim.get("/Me")

    assert answer.status == 200
    assert answer.json == acme_scim.get(f"/Users/{tara}").json
    assert answer.headers["Location"] == answer.json["meta"]["location"]
    assert answer.headers["Location"] == location(acme_scim, tara)


def test_me_takes_the_parameters_and_preconditions_of_the_user(acme_scim, tara):
    projected = acme_scim.get("/me", attributes="userName")
    known = acme_scim.get("/Me", headers={"If-None-Match": 'W/"1"'})

    assert projected.json == {"schemas": [urns.USER], "id": tara, "userName": "Tara@ACME.example"}
    assert known.status == 304
    assert known.headers["Location"] == location(acme_scim, tara)


def test_a_user_is_known_by_its_work_email_alone(acme_scim):
    made = acme_scim.post("/Users", user("E-4711", "TARA@acme.example", active=False))

    assert acme_scim.get("/Me").json == made.json


def test_me_is_changed_replaced_and_deleted_like_the_user(acme_scim, tara):
    operations = [{"op": "replace", "path": "displayName", "value": "Tara"}]
    patched = acme_scim.patch("/Me", {"schemas": [urns.PATCH_OP], "Operations": operations})
    replaced = acme_scim.put("/Me", user("tara", TARA, title="Director"))
    deleted = acme_scim.delete("/Me")

    assert (patched.status, patched.json["displayName"]) == (200, "Tara")
    assert (replaced.status, replaced.json["title"]) == (200, "Director")
    assert deleted.status == 204
    for answer in (patched, replaced, deleted):
        assert answer.headers["Location"] == location(acme_scim, tara)
    assert acme_scim.get(f"/Users/{tara}").status == 404


def test_a_refused_change_says_where_the_user_is_too(acme_scim, tara):
    answer = acme_scim.put("/Me", {"schemas": [urns.USER]})

    assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")
    assert answer.headers["Location"] == location(acme_scim, tara)


def test_an_account_that_is_not_provisioned_has_no_me(acme_scim, globex, scim, tara):
    """Tom asks at globex, where nobody is provisioned; tara of acme does not matter there."""
    answer = scim(globex).get("/Me")

    assert answer.status == 501
    assert answer.json == {
        "schemas": [urns.ERROR],
        "detail": "/Me needs exactly one provisioned user whose userName or work e-mail is the"
        " e-mail address of the account that the secret token was issued for; there is none.",
        "status": "501",
    }


@pytest.mark.parametrize("type_", ["home", "other"])
def test_another_email_than_the_one_of_work_is_not_enough(acme_scim, type_):
    body = user("bjensen", "bjensen@acme.example")
    body["emails"].append({"type": type_, "value": TARA})
    acme_scim.post("/Users", body)

    assert acme_scim.get("/Me").status == 501


def test_two_users_who_could_be_me_are_none(acme_scim, tara):
    acme_scim.post("/Users", user("tara-2", TARA))

    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = acme_scim.send(method, "/Me", None if method == "GET" else {})
        assert answer.status == 501
        assert answer.json["detail"].endswith("there is more than one.")
        assert "Location" not in answer.headers


def test_me_creates_nobody(acme_scim):
    answer = acme_scim.post("/Me", user(TARA, TARA))

    assert answer.status == 501
    assert answer.json["detail"] == "/Me does not create users; POST to /Users."
    assert acme_scim.get("/Users").json["totalResults"] == 0


def test_me_needs_a_token(acme):
    assert clients.ScimClient(acme, None).get("/Me").status == 401


def test_me_is_found_by_one_statement(acme_scim, tara, statements):
    acme_scim.get("/Me")  # reads of a kind are noted once a minute

    with statements() as executed:
        acme_scim.get("/Me")

    assert len(executed) == 3  # the token, who it is, and the user


def test_the_provisioning_log_names_the_user(acme, acme_scim, tara):
    acme_scim.delete("/Me")

    with in_tenant(acme):
        event = ProvisioningEvent.objects.get(operation="delete")
    assert (str(event.resource_id), event.path, event.status) == (tara, "/scim/Me", 204)
