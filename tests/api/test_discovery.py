"""/Schemas, /ResourceTypes, /ServiceProviderConfig: the service's description of itself is true.

RFC 7644 §4, RFC 7643 §5 to §7. Their content is listed in tests/protocol/test_discovery.py; here they
are read over HTTP, and every attribute of /Schemas is written, read, filtered, changed and removed.
"""

import json

import pytest

from scim.protocol import discovery, urns
from scim.protocol.definitions import USER
from scim.provider.catalog import CAPABILITIES, RESOURCE_TYPES
from tests.support.payloads import CORE, ENTERPRISE, ERROR, LIST, error, listed, patch, user

ENDPOINTS = ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"]
VALUES = {
    "string": ("first", "second"),
    "boolean": (True, False),
    "reference": ("https://example.com/1", "https://example.com/2"),
    "binary": ("Zmlyc3Q=", "c2Vjb25k"),
}


def test_schemas_are_listed(at_acme, acme):
    answer = at_acme.get("/Schemas")

    described = discovery.schemas(RESOURCE_TYPES, acme.tenant_url)
    assert (answer.status, answer.json) == (200, listed(*described))
    assert [each["id"] for each in described] == [CORE, ENTERPRISE, urns.GROUP]


def test_resource_types_are_listed(at_acme, acme):
    assert at_acme.get("/ResourceTypes").json == listed(
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": "User",
            "name": "User",
            "description": "A user account.",
            "endpoint": "/Users",
            "schema": CORE,
            "schemaExtensions": [{"schema": ENTERPRISE, "required": False}],
            "meta": {
                "resourceType": "ResourceType",
                "location": f"{acme.tenant_url}/ResourceTypes/User",
            },
        },
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": "Group",
            "name": "Group",
            "description": "A group.",
            "endpoint": "/Groups",
            "schema": urns.GROUP,
            "schemaExtensions": [],
            "meta": {
                "resourceType": "ResourceType",
                "location": f"{acme.tenant_url}/ResourceTypes/Group",
            },
        },
    )


def test_the_configuration_is_the_tenants(at_globex, globex):
    answer = at_globex.get("/ServiceProviderConfig")

    described = discovery.service_provider_config(CAPABILITIES, globex.tenant_url)
    assert (answer.status, answer.json) == (200, described)


@pytest.mark.parametrize("endpoint", ["/Schemas", "/ResourceTypes"])
def test_each_description_is_at_its_location(endpoint, at_acme, acme):
    for description in at_acme.get(endpoint).json["Resources"]:
        path = description["meta"]["location"].removeprefix(acme.tenant_url)

        assert at_acme.get(path).json == description
        assert at_acme.get(path.upper()).json == description


def test_an_unknown_schema_is_not_found(at_acme):
    answer = at_acme.get("/Schemas/urn:example:Device")

    detail = "Nothing here has the id 'urn:example:Device'."
    assert (answer.status, answer.json) == (404, error(404, detail))


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, f"/Schemas/{CORE}"])
def test_discovery_cannot_be_filtered(endpoint, at_acme):
    """RFC 7644 §4: a filter SHALL be refused with 403."""
    answer = at_acme.get(endpoint, filter='name eq "User"')

    detail = "Discovery endpoints cannot be filtered (RFC 7644 §4)."
    assert (answer.status, answer.json) == (403, error(403, detail))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_other_parameters_are_ignored(endpoint, at_acme):
    plain = at_acme.get(endpoint).json

    assert at_acme.get(endpoint, startIndex=9, count=0, attributes="id", sortBy="x").json == plain


@pytest.mark.quirk("E10")
def test_no_description_holds_null(at_acme):
    """Entra's reader stumbles over it."""
    for endpoint in ENDPOINTS:
        assert "null" not in at_acme.get(endpoint).text


def test_the_announced_limits_are_those_that_hold(at_acme):
    announced = at_acme.get("/ServiceProviderConfig").json
    body = json.dumps({"x": "x" * announced["bulk"]["maxPayloadSize"]})

    assert at_acme.post("/Users", body).status == 413
    assert announced["filter"]["maxResults"] == CAPABILITIES.max_page


# --- every attribute of /Schemas --------------------------------------------------------------


def _leaves():
    """Path, schema and characteristics of each attribute of users that can be written."""
    for schema in discovery.schemas([USER], ""):
        for attribute in schema["attributes"]:
            for sub in attribute.get("subAttributes", [None]):
                leaf = sub or attribute
                if "readWrite" == attribute["mutability"] == leaf["mutability"]:
                    yield pytest.param(
                        schema["id"], attribute, sub, id=_name(schema["id"], attribute, sub)
                    )


def _name(schema, attribute, sub):
    """The leaf's path; in one of many values that of the work one."""
    prefix = "" if schema == CORE else f"{schema}:"
    path = f"{prefix}{attribute['name']}"
    if sub is None:
        return path
    chosen = '[type eq "work"]' if attribute["multiValued"] and sub["name"] != "type" else ""
    return f"{path}{chosen}.{sub['name']}"


def _body(schema, attribute, sub, value):
    """A user whose leaf has the value, with as little as possible beside it."""
    held = value if sub is None else {sub["name"]: value}
    if attribute["multiValued"]:
        parts = {each["name"] for each in attribute["subAttributes"]}
        beside = {"value": "Zg=="} if "value" in parts else {"locality": "here"}
        held = [{"type": "work", **beside, **held}]
    member = {attribute["name"]: held}
    return user("leaf", **(member if schema == CORE else {schema: member}))


def _read(resource, schema, attribute, sub):
    holder = resource if schema == CORE else resource.get(schema, {})
    held = holder.get(attribute["name"])
    if isinstance(held, list):
        held = held[0]
    return held if sub is None or held is None else held.get(sub["name"])


def _type(attribute, sub):
    return (sub or attribute)["type"]


LEAVES = list(_leaves())


@pytest.mark.parametrize(("schema", "attribute", "sub"), LEAVES)
def test_every_listed_attribute_works(schema, attribute, sub, at_acme):
    path = _name(schema, attribute, sub)
    first, second = VALUES[_type(attribute, sub)]

    created = at_acme.post("/Users", _body(schema, attribute, sub, first))
    assert (created.status, _read(created.json, schema, attribute, sub)) == (201, first)
    look_up = f"{path} eq {json.dumps(first)}"
    assert at_acme.get("/Users", filter=look_up).json == listed(created.json)

    changed = at_acme.patch(
        f"/Users/{created.json['id']}", patch({"op": "replace", "path": path, "value": second})
    )
    assert (changed.status, _read(changed.json, schema, attribute, sub)) == (200, second)
    assert at_acme.get("/Users", filter=look_up).json == listed()
    assert at_acme.get("/Users", filter=f"{path} eq {json.dumps(second)}").json == listed(
        changed.json
    )
    assert at_acme.get("/Users", sortBy=path.replace('[type eq "work"]', "")).status == 200


@pytest.mark.parametrize(("schema", "attribute", "sub"), LEAVES)
def test_every_attribute_that_is_not_required_can_be_removed(schema, attribute, sub, at_acme):
    path = _name(schema, attribute, sub)
    created = at_acme.post(
        "/Users", _body(schema, attribute, sub, VALUES[_type(attribute, sub)][0])
    )

    removed = at_acme.patch(f"/Users/{created.json['id']}", patch({"op": "remove", "path": path}))

    if attribute["name"] == "active":  # E44: it stays
        assert (removed.status, removed.json) == (200, created.json)
    elif attribute["required"] and (sub is None or sub.get("required")):
        assert (removed.status, removed.json["scimType"]) == (400, "invalidValue")
        assert removed.json["schemas"] == [ERROR]
    else:
        assert (removed.status, _read(removed.json, schema, attribute, sub)) == (200, None)
        assert at_acme.get("/Users", filter=f"not ({path} pr)").json["schemas"] == [LIST]
        assert at_acme.get("/Users", filter=f"not ({path} pr)").json["totalResults"] == 1
