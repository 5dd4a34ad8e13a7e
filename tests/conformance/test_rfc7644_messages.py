"""RFC 7644 §3.1 to §3.3, §3.8 to §3.14, §4: messages, creation, media types, versions, discovery.

Each test is one statement of the RFC; docs/conformance.md lists them all.
"""

import json

import pytest

from scim.protocol import urns
from tests.support.clients import MEDIA_TYPE, ScimClient
from tests.support.payloads import BJENSEN, patch, user

DISCOVERY = ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"]


# --- §3.1, §3.2 -------------------------------------------------------------------------------


def test_every_message_of_the_server_has_a_schema_of_the_api(at_acme, bjensen):
    operation = {"method": "DELETE", "path": f"/Users/{bjensen['id']}"}
    bulk = {"schemas": [urns.BULK_REQUEST], "Operations": [operation]}

    answers = [at_acme.get("/Users"), at_acme.get("/Users/1"), at_acme.post("/Bulk", bulk)]

    for answer in answers:
        assert all(each.startswith("urn:ietf:params:scim:api:") for each in answer.json["schemas"])


def test_messages_are_not_among_the_schemas(at_acme):
    listed = [each["id"] for each in at_acme.get("/Schemas").json["Resources"]]

    assert not any(each.startswith("urn:ietf:params:scim:api:") for each in listed)
    assert at_acme.get(f"/Schemas/{urns.PATCH_OP}").status == 404


def test_the_answer_is_what_the_server_made_of_the_request(at_acme):
    sent = {**BJENSEN, "USERTYPE": "Employee", "unknown": 1, "active": "False", "title": ""}

    created = at_acme.post("/Users", sent).json

    assert (created["userType"], created["active"]) == ("Employee", False)
    assert not {"unknown", "title", "roles"} & created.keys()
    assert at_acme.get(f"/Users/{created['id']}").json == created


def test_endpoints_are_the_plurals_of_their_types(at_acme):
    for each in at_acme.get("/ResourceTypes").json["Resources"]:
        assert each["endpoint"] == f"/{each['name']}s"
        assert at_acme.get(each["endpoint"]).status == 200


@pytest.mark.parametrize(
    ("kind", "body"), [("/Users", BJENSEN), ("/Groups", {"displayName": "Tour Guides"})]
)
def test_put_creates_nothing(kind, body, at_acme):
    assert at_acme.put(f"{kind}/019ab8c4-0000-7000-8000-000000000001", body).status == 404

    assert at_acme.get(kind).json["totalResults"] == 0


def test_the_status_of_an_error_is_in_its_body_too(at_acme, bjensen):
    refused = [
        at_acme.get("/Users", filter="("),
        at_acme.get("/Users/1"),
        at_acme.put("/Users", {}),
        at_acme.post("/Users", BJENSEN),
        ScimClient(at_acme.tenant, None).get("/Users"),
    ]

    assert [each.status for each in refused] == [400, 404, 405, 409, 401]
    for each in refused:
        assert each.json["schemas"] == [urns.ERROR]
        assert each.json["status"] == str(each.status)
        assert each.json["detail"]


# --- §3.3 -------------------------------------------------------------------------------------


def test_read_only_attributes_are_ignored_in_a_create(at_acme):
    meta = {"resourceType": "Group", "created": "1999-01-01T00:00:00Z", "version": 'W/"7"'}
    groups = [{"value": "019ab8c4-0000-7000-8000-000000000001"}]

    created = at_acme.post("/Users", {**BJENSEN, "id": "7", "meta": meta, "groups": groups}).json

    assert created["id"] != "7"
    assert "groups" not in created
    assert created["meta"]["resourceType"] == "User"
    assert created["meta"]["version"] == 'W/"1"'
    assert created["meta"]["created"] > "2020"


@pytest.mark.parametrize(
    ("kind", "body"), [("User", BJENSEN), ("Group", {"displayName": "Tour Guides"})]
)
def test_a_create_is_answered_with_201_and_the_location(kind, body, at_acme):
    answer = at_acme.post(f"/{kind}s", body)

    meta = answer.json["meta"]
    assert answer.status == 201
    assert meta["resourceType"] == kind
    assert answer.headers["Location"] == meta["location"]
    assert meta["location"].endswith(f"/{kind}s/{answer.json['id']}")
    assert at_acme.get(f"/{kind}s/{answer.json['id']}").json == answer.json


def test_a_new_resource_was_last_modified_when_it_was_created(at_acme, bjensen):
    group = at_acme.post("/Groups", {"displayName": "Tour Guides"}).json

    for each in (bjensen, group):
        assert each["meta"]["created"] == each["meta"]["lastModified"]


def test_a_conflict_is_409_uniqueness(at_acme, bjensen):
    for kind, body in (("/Users", BJENSEN), ("/Groups", {"displayName": "Guides"})):
        at_acme.post(kind, body)

        again = at_acme.post(kind, body)

        assert (again.status, again.json["scimType"]) == (409, "uniqueness")


# --- §3.8 -------------------------------------------------------------------------------------


def test_json_is_read_and_written_in_utf_8(at_acme):
    name = "Zo\u00eb \u5f20\u4f1f"

    answer = at_acme.send("POST", "/Users", json.dumps(user("zoe", displayName=name)).encode())

    assert answer.json["displayName"] == name
    assert name in answer.text


@pytest.mark.parametrize("accepted", ["application/scim+json", "application/json", "*/*"])
def test_both_names_of_scims_json_are_accepted(accepted, at_acme, bjensen):
    answer = at_acme.get(f"/Users/{bjensen['id']}", headers={"Accept": accepted})

    assert (answer.status, answer.json) == (200, bjensen)
    assert answer.headers["Content-Type"] == MEDIA_TYPE


@pytest.mark.parametrize("base", ["/scim", "/scim/v2"])
def test_the_media_type_is_exactly_scims_on_every_refusal(base, at_acme, bjensen):
    stranger = ScimClient(at_acme.tenant, None, base)
    client = ScimClient(at_acme.tenant, at_acme.token, base)

    answers = [
        stranger.get("/Users"),
        client.get("/Schemas", filter="x"),
        client.get("/Users/1"),
        client.get("/Nothing"),
        client.post("/Schemas", {}),
        client.post("/Users", BJENSEN),
        client.post("/Users", "x" * 1_048_577),
    ]

    assert [each.status for each in answers] == [401, 403, 404, 404, 405, 409, 413]
    assert {each.headers["Content-Type"] for each in answers} == {MEDIA_TYPE}


# --- §3.9, §3.10 ------------------------------------------------------------------------------


def test_attributes_override_the_default_and_the_minimum_stays(at_acme, bjensen):
    path = f"/Users/{bjensen['id']}"

    shown = at_acme.get(path, attributes="userName,name.familyName").json

    assert shown == {
        "schemas": bjensen["schemas"],
        "id": bjensen["id"],
        "userName": bjensen["userName"],
        "name": {"familyName": "Jensen"},
    }
    assert at_acme.get(path, attributes=f"{urns.USER}:userName").json.keys() == {
        "schemas",
        "id",
        "userName",
    }


def test_excluded_attributes_are_left_out_and_the_minimum_stays(at_acme, bjensen):
    path = f"/Users/{bjensen['id']}"

    shown = at_acme.get(path, excludedAttributes="id,schemas,userName,meta,emails").json

    left_out = {"userName", "meta", "emails"}
    assert shown == {name: each for name, each in bjensen.items() if name not in left_out}


def test_a_projection_holds_for_what_is_created_replaced_and_changed(at_acme):
    created = at_acme.post("/Users?attributes=title", BJENSEN).json
    path = f"/Users/{created['id']}?attributes=title"

    replaced = at_acme.put(path, {**BJENSEN, "title": "Guide"})
    changed = at_acme.patch(path, patch({"op": "replace", "path": "title", "value": "Boss"}))

    assert created.keys() == {"schemas", "id"}
    assert replaced.json == {**created, "title": "Guide"}
    assert (changed.status, changed.json) == (200, {**created, "title": "Boss"})


# --- §3.13, §3.14 -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1", "v3", "v22", "2"])
def test_another_version_of_the_protocol_is_rejected(version, at_acme, bjensen):
    assert ScimClient(at_acme.tenant, at_acme.token, f"/scim/{version}").get("/Users").status == 404


def test_version_2_and_no_version_are_the_same(at_acme, bjensen):
    with_version = ScimClient(at_acme.tenant, at_acme.token, "/scim/v2")

    assert with_version.get("/Users").json == at_acme.get("/Users").json
    assert with_version.get(f"/Users/{bjensen['id']}").json == bjensen


def test_the_entity_tag_is_in_the_header_and_in_meta(at_acme, bjensen):
    path = f"/Users/{bjensen['id']}"

    for answer in (at_acme.get(path), at_acme.put(path, {**BJENSEN, "title": "Guide"})):
        assert answer.headers["ETag"] == answer.json["meta"]["version"]
    assert at_acme.get("/Users").json["Resources"][0]["meta"]["version"] == 'W/"2"'


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_match_of_any_version_lets_every_change_pass(method, at_acme, bjensen):
    body = patch({"op": "add", "path": "title", "value": "Guide"}) if method == "PATCH" else BJENSEN

    answer = at_acme.send(method, f"/Users/{bjensen['id']}", body, {"If-Match": "*"})

    assert answer.status in {200, 204}
    assert at_acme.send(method, "/Users/1", body, {"If-Match": "*"}).status == 404


# --- §4 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*DISCOVERY, f"/Schemas/{urns.USER}", "/ResourceTypes/User"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_discovery_endpoints_cannot_be_written(method, path, at_acme):
    answer = at_acme.send(method, path, {})

    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert answer.json["status"] == "405"


@pytest.mark.parametrize("path", [*DISCOVERY, f"/Schemas/{urns.USER}", "/ResourceTypes/User"])
def test_discovery_endpoints_are_not_filtered(path, at_acme):
    answer = at_acme.get(path, filter='id eq "User"')

    assert (answer.status, answer.headers["Content-Type"]) == (403, MEDIA_TYPE)
    assert answer.json["status"] == "403"


def test_schemas_and_resource_types_are_list_responses(at_acme):
    for path, kind in (("/Schemas", urns.SCHEMA), ("/ResourceTypes", urns.RESOURCE_TYPE)):
        answer = at_acme.get(path, count=1, startIndex=2, sortBy="id").json

        assert answer["schemas"] == [urns.LIST_RESPONSE]
        assert answer["totalResults"] == answer["itemsPerPage"] == len(answer["Resources"]) > 1
        assert all(each["schemas"] == [kind] for each in answer["Resources"])
    assert at_acme.get("/ServiceProviderConfig").json["schemas"] == [urns.SERVICE_PROVIDER_CONFIG]


def test_external_id_is_listed_for_every_type_and_every_type_has_canonical_values(at_acme):
    schemas = {each["id"]: each["attributes"] for each in at_acme.get("/Schemas").json["Resources"]}

    for urn in (urns.USER, urns.GROUP):
        assert "externalId" in [each["name"] for each in schemas[urn]]
        for attribute in schemas[urn]:
            for sub in attribute.get("subAttributes", []):
                assert sub["name"] != "type" or sub["canonicalValues"]


@pytest.mark.parametrize("path", ["/users", "/USERS", "/groups", "/schemas", "/RESOURCETYPES"])
def test_paths_match_in_any_letter_case(path, at_acme, bjensen):
    assert at_acme.get(path).status == 200
    assert at_acme.get(f"/uSeRs/{bjensen['id']}").json == bjensen
    assert at_acme.get("/me").status == at_acme.get("/Me").status
