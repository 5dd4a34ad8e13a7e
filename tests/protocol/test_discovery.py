"""Discovery (RFC 7643 §5-7), generated from the definitions that validate."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from scim.protocol import discovery, urns
from scim.protocol.definitions import RESOURCE_TYPES, USER
from scim.provider.catalog import CAPABILITIES

BASE = "https://acme.mypolicies.com/scim"


def attributes_of(urn: str) -> dict[str, Any]:
    schemas = {schema["id"]: schema for schema in discovery.schemas(RESOURCE_TYPES, BASE)}
    return {attribute["name"]: attribute for attribute in schemas[urn]["attributes"]}


def every_attribute() -> Iterator[dict[str, Any]]:
    for urn in (urns.USER, urns.ENTERPRISE_USER, urns.GROUP):
        for attribute in attributes_of(urn).values():
            yield attribute
            yield from attribute.get("subAttributes", [])


def test_an_attribute_is_described_by_the_characteristics_its_type_has():
    assert attributes_of(urns.USER)["userName"] == {
        "name": "userName",
        "type": "string",
        "multiValued": False,
        "description": "The name the user signs in with; unique within the tenant in any letter case.",
        "required": True,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "server",
    }


@pytest.mark.quirk("E10")
def test_the_user_schema_lists_external_id_and_not_id():
    """Microsoft's acceptance suite exempts id only; listing it upsets its Validator."""
    listed = attributes_of(urns.USER)

    assert "externalId" in listed
    assert not {"id", "meta", "schemas"} & listed.keys()


@pytest.mark.quirk("E10")
def test_every_type_has_canonical_values_so_that_entra_offers_it_to_map():
    types = [attribute for attribute in every_attribute() if attribute["name"] == "type"]

    assert len(types) == 10
    assert all(attribute["canonicalValues"] for attribute in types)


@pytest.mark.quirk("E44")
def test_attributes_that_mypolicies_requires_or_always_makes_are_marked_required():
    required = {name for name, each in attributes_of(urns.USER).items() if each["required"]}

    assert required == {"userName", "externalId", "emails", "active"}


def test_no_characteristic_is_null():
    assert all(None not in attribute.values() for attribute in every_attribute())


def test_a_schema_says_what_it_is_and_where():
    user, enterprise, _group = discovery.schemas(RESOURCE_TYPES, BASE)

    assert user["schemas"] == [urns.SCHEMA]
    assert user["meta"] == {"resourceType": "Schema", "location": f"{BASE}/Schemas/{urns.USER}"}
    assert (user["id"], user["name"]) == (urns.USER, "User")
    assert (enterprise["id"], enterprise["name"]) == (urns.ENTERPRISE_USER, "EnterpriseUser")


def test_the_user_resource_type_names_its_endpoint_and_extension():
    assert discovery.resource_type_representation(USER, BASE) == {
        "schemas": [urns.RESOURCE_TYPE],
        "id": "User",
        "name": "User",
        "description": "A user account.",
        "endpoint": "/Users",
        "schema": urns.USER,
        "schemaExtensions": [{"schema": urns.ENTERPRISE_USER, "required": False}],
        "meta": {"resourceType": "ResourceType", "location": f"{BASE}/ResourceTypes/User"},
    }


def test_the_service_provider_config_announces_the_limits_that_are_enforced():
    capabilities = replace(CAPABILITIES, max_page=200, documentation="https://example.com/docs")

    config = discovery.service_provider_config(capabilities, BASE)

    assert config["filter"] == {"supported": True, "maxResults": 200}
    assert config["documentationUri"] == "https://example.com/docs"
    supported = {
        name for name, each in config.items() if isinstance(each, dict) and each.get("supported")
    }
    assert config["bulk"] == {
        "supported": True,
        "maxOperations": 1_000,
        "maxPayloadSize": 1_048_576,
    }
    assert supported == {"patch", "bulk", "filter", "sort", "etag"}
    assert [scheme["type"] for scheme in config["authenticationSchemes"]] == [
        "oauthbearertoken",
        "oauth2",
    ]


def test_security_events_are_announced_while_somebody_is_told_of_them():
    """RFC 9967 §4: "when absent, it indicates …" that there are none."""
    assert "securityEvents" not in discovery.service_provider_config(CAPABILITIES, BASE)
    told = ("urn:ietf:params:scim:event:prov:delete", "urn:ietf:params:scim:event:prov:activate")
    config = discovery.service_provider_config(CAPABILITIES, BASE, told)
    assert config["securityEvents"] == {
        "asyncRequest": "none",
        "eventUris": list(told),
    }
