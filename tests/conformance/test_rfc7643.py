"""RFC 7643: what resources, schemas and the configuration look like.

Each test is one statement of the RFC; docs/conformance.md lists them all.
"""

import re

import pytest

from scim.protocol import urns
from tests.support.payloads import BJENSEN, ENTERPRISE, user


@pytest.fixture
def schemas(at_acme):
    return at_acme.get("/Schemas").json["Resources"]


@pytest.fixture
def member(at_acme):
    """bjensen, read as a member of a group."""
    identifier = at_acme.post("/Users", BJENSEN).json["id"]
    at_acme.post("/Groups", {"displayName": "Guides", "members": [{"value": identifier}]})
    return at_acme.get(f"/Users/{identifier}").json


# --- §2 ---------------------------------------------------------------------------------------


def test_names_follow_the_grammar_and_only_complex_attributes_have_parts(schemas):
    for attribute in (each for schema in schemas for each in schema["attributes"]):
        subs = attribute.get("subAttributes", [])
        assert (attribute["type"] == "complex") == bool(subs)
        assert all(sub["type"] != "complex" and "subAttributes" not in sub for sub in subs)
        for each in (attribute, *subs):
            assert re.fullmatch(r"\$?[A-Za-z][A-Za-z0-9_-]*", each["name"])


def test_every_type_is_one_that_the_rfc_defines(schemas):
    known = {
        "string",
        "boolean",
        "decimal",
        "integer",
        "dateTime",
        "binary",
        "reference",
        "complex",
    }
    attributes = [each for schema in schemas for each in schema["attributes"]]
    subs = [sub for each in attributes for sub in each.get("subAttributes", [])]

    assert {each["type"] for each in (*attributes, *subs)} <= known


def test_times_have_a_date_a_time_and_a_zone(bjensen):
    for name in ("created", "lastModified"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", bjensen["meta"][name])


def test_binary_values_are_base64(at_acme):
    answer = at_acme.post("/Users", user("x", x509Certificates=[{"value": "no base64!"}]))

    assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")


def test_references_lead_to_what_they_name(at_acme, member):
    base = at_acme.tenant.tenant_url
    group = at_acme.get(member["groups"][0]["$ref"].removeprefix(base)).json

    assert group["id"] == member["groups"][0]["value"]
    assert at_acme.get(group["members"][0]["$ref"].removeprefix(base)).json == member
    assert at_acme.get(member["meta"]["location"].removeprefix(base)).json == member


def test_the_order_of_names_and_schemas_does_not_matter(at_acme):
    sent = {**BJENSEN, ENTERPRISE: {"department": "Tours"}}
    path = f"/Users/{at_acme.post('/Users', sent).json['id']}"
    before = at_acme.get(path).json

    turned = dict(reversed(sent.items())) | {"schemas": sent["schemas"][::-1]}

    assert at_acme.put(path, turned).json == before


def test_unassigned_null_and_an_empty_array_are_the_same(at_acme, bjensen):
    for nothing in (None, [], ""):
        sent = {**BJENSEN, "title": None, "phoneNumbers": nothing}

        assert at_acme.put(f"/Users/{bjensen['id']}", sent).json == bjensen


# --- §3 ---------------------------------------------------------------------------------------


def test_schemas_hold_only_those_of_the_type_and_each_once(at_acme, bjensen):
    unknown = "urn:example:Unknown"
    sent = user("x", schemas=[urns.USER, unknown, ENTERPRISE, urns.USER])
    sent[ENTERPRISE] = {"department": "Tours"}

    assert bjensen["schemas"] == [urns.USER]
    assert at_acme.post("/Users", sent).json["schemas"] == [urns.USER, ENTERPRISE]


def test_extension_attributes_stand_below_the_urn(at_acme):
    made = at_acme.post("/Users", user("x", **{ENTERPRISE: {"department": "Tours"}})).json

    assert made[ENTERPRISE] == {"department": "Tours"}
    assert "department" not in made


def test_ids_are_the_servers_own_unique_and_stable(at_acme, bjensen, jsmith):
    group = at_acme.post("/Groups", {"displayName": "Guides", "id": bjensen["id"]}).json
    after = at_acme.put(f"/Users/{bjensen['id']}", {**BJENSEN, "id": jsmith["id"]}).json

    assert len({bjensen["id"], jsmith["id"], group["id"]}) == 3
    assert after["id"] == bjensen["id"]
    assert not any("bulkid" in each["id"].lower() for each in (bjensen, jsmith, group))


def test_the_server_gives_nobody_an_external_id(at_acme):
    assert "externalId" not in at_acme.post("/Groups", {"displayName": "Guides"}).json


def test_an_external_id_belongs_to_its_tenant(at_acme, globex, scim, bjensen):
    other = scim(globex).post("/Users", BJENSEN)

    assert (other.status, other.json["externalId"]) == (201, bjensen["externalId"])
    assert other.json["id"] != bjensen["id"]


def test_meta_is_the_servers_and_tags_are_weak(at_acme, bjensen):
    meta = {"created": "1999-01-01T00:00:00Z", "location": "http://x", "version": "1"}

    answer = at_acme.put(f"/Users/{bjensen['id']}", {**BJENSEN, "meta": meta})

    assert answer.json["meta"] == bjensen["meta"]
    assert answer.headers["Location"] == bjensen["meta"]["location"]
    assert bjensen["meta"]["version"].startswith('W/"')


# --- §4 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_every_user_has_a_user_name_and_every_group_a_display_name(blank, at_acme):
    for path, body in (
        ("/Users", user("x", userName=blank)),
        ("/Groups", {"displayName": blank}),
    ):
        answer = at_acme.post(path, body)

        assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")


def test_memberships_are_changed_through_the_group_only(at_acme, member):
    path = f"/Users/{member['id']}"
    operation = {"op": "remove", "path": "groups"}

    put = at_acme.put(path, {**BJENSEN, "groups": []})
    patched = at_acme.patch(path, {"schemas": [urns.PATCH_OP], "Operations": [operation]})

    assert (put.status, patched.status, patched.json["scimType"]) == (200, 400, "mutability")
    assert at_acme.get(path).json["groups"] == member["groups"]
    assert member["groups"][0]["type"] == "direct"


# --- §5 to §7 ---------------------------------------------------------------------------------


def test_the_configuration_has_every_part_that_is_required(at_acme):
    said = at_acme.get("/ServiceProviderConfig").json

    for feature in ("patch", "bulk", "filter", "changePassword", "sort", "etag"):
        assert isinstance(said[feature]["supported"], bool)
    assert said["bulk"]["maxOperations"] > 0
    assert said["bulk"]["maxPayloadSize"] > 0
    assert said["filter"]["maxResults"] > 0
    for scheme in said["authenticationSchemes"]:
        assert scheme["type"] in {"oauth2", "oauthbearertoken"}
        assert scheme["name"]
        assert scheme["description"]


def test_resource_types_have_what_is_required_and_name_schemas_that_exist(at_acme, schemas):
    known = {each["id"] for each in schemas}

    for each in at_acme.get("/ResourceTypes").json["Resources"]:
        assert all(each[name] for name in ("id", "name", "description", "endpoint"))
        assert each["schema"] in known
        for extension in each["schemaExtensions"]:
            assert extension["schema"] in known
            assert isinstance(extension["required"], bool)


def test_schemas_have_what_is_required(schemas):
    for schema in schemas:
        assert all(schema[name] for name in ("id", "name", "description", "attributes"))
        for attribute in schema["attributes"]:
            for each in (attribute, *attribute.get("subAttributes", [])):
                assert each["description"]
                names = {"name", "type", "multiValued", "required", "mutability", "returned"}
                assert {*names, "uniqueness"} <= each.keys()


def test_a_case_exact_value_keeps_its_case_and_is_compared_with_it(at_acme):
    made = at_acme.post("/Users", user("x", externalId="aBc")).json

    assert made["externalId"] == "aBc"
    assert at_acme.get("/Users", filter='externalId eq "ABC"').json["totalResults"] == 0
    assert at_acme.get("/Users", filter='externalId eq "aBc"').json["totalResults"] == 1


# --- where the server differs -----------------------------------------------------------------


def test_a_value_is_found_as_not_primary_only_where_that_was_said(at_acme):
    at_acme.post("/Users", user("silent"))
    said = {"emails": [{"type": "work", "value": "x@acme.example", "primary": False}]}
    told = at_acme.post("/Users", user("told", **said)).json

    assert at_acme.get("/Users", filter="emails.primary eq false").json["Resources"] == [told]
    assert at_acme.get("/Users", filter="emails.primary eq true").json["totalResults"] == 0


def test_a_reference_to_the_manager_is_kept_and_not_made_up(at_acme, bjensen):
    sent = {"value": bjensen["id"], "$ref": f"../Users/{bjensen['id']}"}

    kept = at_acme.post("/Users", user("kept", **{ENTERPRISE: {"manager": sent}})).json
    bare = at_acme.post("/Users", user("bare", **{ENTERPRISE: {"manager": bjensen["id"]}})).json

    assert kept[ENTERPRISE]["manager"] == sent
    assert bare[ENTERPRISE]["manager"] == {"value": bjensen["id"]}
