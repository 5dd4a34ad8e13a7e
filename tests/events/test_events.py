"""Events of a change: whole Security Event Tokens of each kind (RFC 9967 §2.4)."""

import dataclasses

import pytest

from scim.events.models import OutboxEvent
from scim.protocol.definitions import USER
from scim.protocol.schema import Attribute, Extension, Returned, Schema
from scim.provider import resources
from scim.provider.requester import Origin, Requester
from scim.provider.resources import Existing
from scim.repository.base import Loading
from tenants.current import in_tenant
from tests.events.streams import FULLS, NOTICES, PROV, Poller
from tests.support.payloads import BJENSEN, ENTERPRISE, JSMITH, patch, replace, user


@pytest.fixture
def requester(acme):
    return Requester(acme.tenant_url, "r-1", Origin("POST", "/scim/Users"))


CHANGES = {"create", "replace", "modify", "delete"}


@pytest.fixture
def notices(clock, acme):
    """A receiver of everything at acme, by the names of changed attributes."""
    return Poller(acme, event_uris=NOTICES)


@pytest.fixture
def fulls(clock, acme):
    """A receiver of everything at acme, with the values."""
    return Poller(acme, event_uris=FULLS)


@pytest.fixture
def token(acme, events):
    """`token(poller, subject, events)`: the whole claims of the only token that waits."""

    def check(poller, uri, external_id, told):
        [claims] = poller.drained()
        changed = [each for each in events(acme) if each.operation in CHANGES][-1]
        assert claims == {
            "jti": claims["jti"],
            "iat": int(changed.at.timestamp()),
            "iss": acme.tenant_url,
            "aud": [poller.stream.audience],
            "txn": str(changed.id),
            "sub_id": {"format": "scim", "uri": uri}
            | ({"externalId": external_id} if external_id else {}),
            "events": {PROV + name: payload for name, payload in told.items()},
        }
        assert claims["jti"] != claims["txn"]

    return check


def test_a_creation_names_the_attributes_that_have_values(notices, token, at_acme):
    bjensen = at_acme.post("/Users", BJENSEN).json

    told = {
        "create:notice": {
            "version": 'W/"1"',
            "attributes": [
                "id",
                "externalId",
                "userName",
                "name.formatted",
                "name.familyName",
                "name.givenName",
                "active",
                "emails",
            ],
        }
    }
    token(notices, f"/Users/{bjensen['id']}", BJENSEN["externalId"], told)


def test_a_creation_in_full_is_what_the_client_was_answered(fulls, token, at_acme):
    bjensen = at_acme.post("/Users", BJENSEN).json

    told = {"create:full": {"version": 'W/"1"', "data": bjensen}}
    token(fulls, f"/Users/{bjensen['id']}", BJENSEN["externalId"], told)


@pytest.fixture
def present(at_acme, bjensen, fulls, notices):
    """bjensen, of whose creation everybody knows."""
    fulls.drained()
    notices.drained()
    return f"/Users/{bjensen['id']}"


def test_a_patch_names_the_attributes_that_changed(at_acme, present, notices, token):
    body = patch(
        {"op": "Add", "path": "title", "value": "Guide"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "b@acme.example"},
        {"op": "Replace", "path": "name.familyName", "value": "Jansen"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Tours"},
    )
    at_acme.patch(present, body)

    changed = ["name.familyName", "title", "emails", f"{ENTERPRISE}:department"]
    told = {"patch:notice": {"version": 'W/"2"', "attributes": changed}}
    token(notices, present, BJENSEN["externalId"], told)


def test_a_patch_in_full_is_one_that_may_be_applied_again(at_acme, present, fulls, token):
    """Its shape does not matter: here one without a path, as Entra's newer connector sends it."""
    value = {"title": "Guide", 'emails[type eq "work"].value': "b@acme.example"}
    at_acme.patch(
        present,
        patch({"op": "replace", "value": value}, {"op": "remove", "path": "name.givenName"}),
    )

    operations = [
        {"op": "remove", "path": "name.givenName"},
        {"op": "replace", "path": "title", "value": "Guide"},
        {
            "op": "replace",
            "path": "emails",
            "value": [{"primary": True, "type": "work", "value": "b@acme.example"}],
        },
    ]
    told = {"patch:full": {"version": 'W/"2"', "data": patch(*operations)}}
    token(fulls, present, BJENSEN["externalId"], told)


def test_a_patch_in_full_leads_another_tenant_to_the_same_user(at_acme, at_globex, present, fulls):
    copy = at_globex.post("/Users", BJENSEN).json["id"]
    at_acme.patch(present, replace(f"{ENTERPRISE}:department", "Tours"))
    at_acme.patch(present, patch({"op": "add", "path": "emails", "value": [{"value": "x@y.org"}]}))
    at_acme.patch(present, patch({"op": "remove", "path": f"{ENTERPRISE}:department"}))

    for claims in fulls.drained():
        data = claims["events"][f"{PROV}patch:full"]["data"]
        assert at_globex.patch(f"/Users/{copy}", data).status == 200

    apart = {"id", "meta"}
    one, other = at_acme.get(present).json, at_globex.get(f"/Users/{copy}").json
    assert {k: v for k, v in one.items() if k not in apart} == {
        k: v for k, v in other.items() if k not in apart
    }


def test_a_put_names_the_attributes_that_changed(at_acme, present, notices, token):
    at_acme.put(present, {**BJENSEN, "title": "Guide"})

    told = {"put:notice": {"version": 'W/"2"', "attributes": ["title"]}}
    token(notices, present, BJENSEN["externalId"], told)


def test_a_put_in_full_holds_the_resource_as_it_is_now(at_acme, present, fulls, token):
    answer = at_acme.put(present, {**BJENSEN, "title": "Guide"}).json

    data = {name: value for name, value in answer.items() if name != "meta"}
    told = {"put:full": {"version": 'W/"2"', "data": data}}
    token(fulls, present, BJENSEN["externalId"], told)


@pytest.mark.parametrize("poller", ["notices", "fulls"])
def test_a_deletion_has_no_attributes(poller, at_acme, present, token, request):
    at_acme.delete(present)

    token(request.getfixturevalue(poller), present, BJENSEN["externalId"], {"delete": {}})


def test_a_patch_that_disables_a_user_is_two_events_of_one_token(at_acme, present, notices, token):
    at_acme.patch(present, replace("active", "False"))

    changed = {"version": 'W/"2"', "attributes": ["active"]}
    told = {"patch:notice": changed, "deactivate": {}}
    token(notices, present, BJENSEN["externalId"], told)


def test_a_put_that_enables_a_user_is_two_events_of_one_token(at_acme, present, notices, token):
    at_acme.patch(present, replace("active", "False"))
    notices.drained()

    at_acme.put(present, BJENSEN)

    changed = {"version": 'W/"3"', "attributes": ["active"]}
    told = {"put:notice": changed, "activate": {}}
    token(notices, present, BJENSEN["externalId"], told)


def test_a_stream_of_deactivations_gets_nothing_else(clock, acme, at_acme, bjensen, token):
    poller = Poller(acme, event_uris=(f"{PROV}deactivate",))
    path = f"/Users/{bjensen['id']}"

    at_acme.patch(path, replace("title", "Guide"))
    at_acme.patch(path, replace("active", "False"))

    token(poller, path, BJENSEN["externalId"], {"deactivate": {}})


def test_a_refused_request_or_one_without_a_change_makes_no_event(at_acme, present, notices):
    at_acme.patch(present, replace("active", "True"))
    at_acme.post("/Users", BJENSEN)
    at_acme.patch(present, replace("userName", ""))

    assert notices.drained() == []


def test_without_a_stream_nothing_is_written(acme, at_acme, bjensen):
    at_acme.delete(f"/Users/{bjensen['id']}")

    with in_tenant(acme):
        assert OutboxEvent.objects.count() == 0


def group(*members):
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "Tour Guides",
        "members": [{"value": each} for each in members],
    }


@pytest.fixture
def guides(at_acme, present, bjensen, jsmith, fulls, notices):
    """A group with bjensen in it, of which everybody knows."""
    path = f"/Groups/{at_acme.post('/Groups', group(bjensen['id'])).json['id']}"
    fulls.drained()
    notices.drained()
    return path


def test_a_group_is_created_with_its_members(at_acme, present, bjensen, fulls, token):
    created = at_acme.post("/Groups", group(bjensen["id"])).json

    path = f"/Groups/{created['id']}"
    told = {"create:full": {"version": 'W/"1"', "data": created}}
    token(fulls, path, None, told)


def test_a_change_of_members_tells_who_came_and_who_left(
    at_acme, guides, bjensen, jsmith, fulls, notices, token
):
    at_acme.patch(
        guides,
        patch(
            {"op": "add", "path": "members", "value": [{"value": jsmith["id"]}]},
            {"op": "remove", "path": "members", "value": [{"value": bjensen["id"]}]},
        ),
    )

    operations = [
        {"op": "remove", "path": f'members[value eq "{bjensen["id"]}"]'},
        {"op": "add", "path": "members", "value": [{"value": jsmith["id"]}]},
    ]
    told = {"patch:full": {"version": 'W/"2"', "data": patch(*operations)}}
    token(fulls, guides, None, told)
    told = {"patch:notice": {"version": 'W/"2"', "attributes": ["members"]}}
    token(notices, guides, None, told)


def test_a_put_of_a_group_tells_all_its_members(at_acme, guides, bjensen, jsmith, fulls, token):
    answer = at_acme.put(guides, group(bjensen["id"], jsmith["id"])).json

    data = {name: value for name, value in answer.items() if name != "meta"}
    told = {"put:full": {"version": 'W/"2"', "data": data}}
    token(fulls, guides, None, told)


def test_each_operation_of_a_bulk_request_is_an_event(at_acme, clock, notices):
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": name, "data": user(name)} for name in "abc"
    ]
    operations[1]["data"].pop("userName")
    at_acme.post(
        "/Bulk",
        {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": operations,
        },
    )

    told = notices.drained()
    assert [claims["sub_id"]["externalId"] for claims in told] == ["external-a", "external-c"]
    assert len({claims["txn"] for claims in told}) == 2


def test_two_streams_get_the_change_under_one_txn(at_acme, acme, notices, fulls):
    at_acme.post("/Users", JSMITH)

    [one], [other] = notices.drained(), fulls.drained()
    assert one["txn"] == other["txn"]
    assert one["jti"] != other["jti"]


def test_nobody_is_told_what_happens_at_another_tenant(notices, at_globex, globex, at_acme):
    elsewhere = Poller(globex)
    at_globex.post("/Users", user("gjones"))

    assert notices.drained() == []
    assert [claims["iss"] for claims in elsewhere.drained()] == [globex.tenant_url]


def test_values_hidden_from_clients_are_hidden_from_receivers(acme, fulls, requester):
    """An attribute that is never returned, as a tenant's own extension may have one."""
    urn = "urn:acme:scim:2.0:User"
    attributes = (Attribute("pin", returned=Returned.NEVER), Attribute("costCenter"))
    extension = Extension(Schema(urn, "Acme", "Acme's own.", attributes))
    users = dataclasses.replace(USER, extensions=(extension,))
    with in_tenant(acme):
        made = resources.create(users, {**user("a"), urn: {"pin": "4711"}}, requester)
        existing = Existing(users, str(made.id), Loading(acme.tenant_url))
        changes = patch(
            {"op": "replace", "path": f"{urn}:pin", "value": "4712"},
            {"op": "replace", "path": f"{urn}:costCenter", "value": "K1"},
        )
        resources.modify(existing, changes, requester)

    created, changed = fulls.drained()
    assert "471" not in str(created["events"])
    operations = [{"op": "replace", "path": f"{urn}:costCenter", "value": "K1"}]
    told = {"version": 'W/"2"', "data": patch(*operations)}
    assert changed["events"] == {f"{PROV}patch:full": told}
