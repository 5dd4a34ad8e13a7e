"""Paths of the endpoints: /scim and /scim/v2, tolerant about letter case and a slash at the end.

A 404 in place of a list puts an Entra job into quarantine, so the Tenant URL works as people type it.
"""

import pytest

from tests.support import oauth
from tests.support.clients import ScimClient
from tests.support.payloads import BJENSEN, error, listed

pytestmark = pytest.mark.quirk("E25")

BASES = ["/scim", "/scim/v2", "/SCIM", "/Scim/V2"]
JOINED = ["/scim/", "/scim//", "/scim/v2/", "/scim//v2//", "/scim/v2"]


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
    """Never with what the request's Host, path or forwarding headers say (docs/security.md)."""
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


@pytest.mark.quirk("E32")
@pytest.mark.parametrize("base", JOINED)
def test_several_slashes_are_one(base, at_acme, at_globex, acme, globex, bjensen):
    """A Tenant URL that ends in a slash, joined with /Users; JumpCloud and others join so."""
    client = ScimClient(acme, at_acme.token, base)
    path = f"/Users//{bjensen['id']}"
    look_up = '?filter=userName+eq+"bjensen@acme.example"'

    assert client.get("/Users//").json == client.get(f"/Users{look_up}").json == listed(bjensen)
    assert client.get(path).json == client.put(f"{path}/", BJENSEN).json == bjensen
    assert client.post("/Users//.search", {}).json == listed(bjensen)
    assert client.post("/.search//", {}).json == listed(bjensen)
    assert client.get("/").json == listed(bjensen)
    assert [client.get(each).status for each in ("/ServiceProviderConfig/", "/Schemas//")] == [
        200
    ] * 2
    stranger = ScimClient(globex, at_acme.token, base)
    assert stranger.get(path).status == 401
    assert ScimClient(globex, at_globex.token, base).get(path).status == 404


@pytest.mark.quirk("E32")
@pytest.mark.parametrize("path", ["//scim/Users", "///scim//v2//Users/"])
def test_slashes_before_the_base_are_one_too(path, at_acme, acme, bjensen):
    found = at_acme.http.get("/", PATH_INFO=path)
    unknown = at_acme.http.get("/", PATH_INFO=path + "/x/y")
    elsewhere = at_acme.http.get("/", PATH_INFO=path, HTTP_HOST="nobody.mypolicies.localhost")

    assert found.json() == listed(bjensen)
    assert [unknown.status_code, elsewhere.status_code] == [404, 404]
    assert unknown.json() == error(404, unknown.json()["detail"])
    assert elsewhere.json() == error(404, elsewhere.json()["detail"])


@pytest.mark.quirk("E32")
@pytest.mark.parametrize("base", JOINED)
def test_a_created_user_has_its_own_location_however_the_url_was_joined(base, at_acme, acme):
    client = ScimClient(acme, at_acme.token, base)

    created = client.post("/Users", BJENSEN)
    bulk = {"method": "POST", "path": "//v2//Groups/", "bulkId": "g", "data": {"displayName": "G"}}
    [group] = client.post("/Bulk", {"Operations": [bulk]}).json["Operations"]

    assert created.headers["Location"] == f"{acme.tenant_url}/Users/{created.json['id']}"
    assert group["location"].startswith(f"{acme.tenant_url}/Groups/")


@pytest.mark.quirk("E32")
@pytest.mark.parametrize(
    "path", ["/scim//oauth/token", "/scim/oauth//token/", "/scim/v2//oauth/token"]
)
def test_the_token_endpoint_is_found_however_the_url_was_joined(path, acme):
    created = oauth.create(acme)

    assert oauth.ask(acme, oauth.grant(created), path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/Users/x/y", "/Users/x//", "/v2/v2/Users", "/Users\n", "/U/sers"]
)
def test_no_other_spelling_is_an_endpoint(path, at_acme):
    answer = at_acme.send("GET", path.replace("\n", "%0A"))

    assert answer.status == 404
    assert answer.json == error(404, answer.json["detail"])
