"""Where the endpoints are: /scim and /scim/v2, tolerant about letter case and a slash at the end.

A 404 in place of a list puts an Entra job into quarantine, so the Tenant URL works as people type it.
"""

import pytest

from tests.support.clients import ScimClient
from tests.support.payloads import BJENSEN, error, listed

pytestmark = pytest.mark.quirk("E25")

BASES = ["/scim", "/scim/v2", "/SCIM", "/Scim/V2"]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("path", ["/Users", "/users", "/USERS/", "/Users/?", "/Users?a=b"])
def test_the_collection_is_found_under_every_spelling(base, path, at_acme, acme, bjensen):
    client = ScimClient(acme, at_acme.token, base)

    assert client.send("GET", path).json == listed(bjensen)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_user_is_reached_under_every_spelling(base, slash, at_acme, acme, bjensen):
    client = ScimClient(acme, at_acme.token, base)
    path = f"/uSERS/{bjensen['id']}{slash}"

    assert client.get(path).json == bjensen
    assert client.put(path, BJENSEN).json == bjensen
    assert client.delete(path).status == 204


@pytest.mark.parametrize("base", BASES)
def test_locations_always_start_with_the_tenant_url(base, at_acme, acme):
    """Never with what the request's Host, path or forwarding headers say (security.md §2)."""
    client = ScimClient(acme, at_acme.token, base)
    lies = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "ftp",
        "Forwarded": "host=evil",
    }

    answer = client.post("/Users/", BJENSEN, headers=lies)

    location = f"{acme.tenant_url}/Users/{answer.json['id']}"
    assert answer.headers["Location"] == answer.json["meta"]["location"] == location


def test_a_tenants_url_is_its_host_and_scim(acme, globex):
    assert acme.tenant_url == "http://acme.mypolicies.localhost:8000/scim"
    assert globex.tenant_url == "http://globex.mypolicies.localhost:8000/scim"


@pytest.mark.parametrize("path", ["//Users", "/Users//", "/Users/x/", "/v2/v2/Users", "/Users\n"])
def test_no_other_spelling_is_an_endpoint(path, at_acme):
    answer = at_acme.send("GET", path.replace("\n", "%0A"))

    assert answer.status == 404
    assert answer.json == error(404, answer.json["detail"])
