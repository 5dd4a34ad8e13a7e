"""Nothing of a tenant is read, found, changed or told through another one's host or token."""

import re

import pytest

from scim.api.urls import urlpatterns
from tests.support.clients import ScimClient
from tests.support.payloads import BJENSEN, ENTERPRISE, JSMITH, listed, patch, user

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
MARK = "sesame"  # in every value that acme keeps
SECRET = user(
    f"{MARK}-user",
    displayName=f"{MARK} display",
    title=f"{MARK} title",
    **{ENTERPRISE: {"department": f"{MARK} department"}},
)
BODIES = {
    "POST": BJENSEN,
    "PUT": {**BJENSEN, "title": "Thief"},
    "PATCH": patch({"op": "replace", "path": "title", "value": "Thief"}),
}


def _routes():
    """The path of each route of the URLconf, with `{}` where an id goes."""
    for route in urlpatterns:
        path = route.pattern.regex.pattern.removeprefix("^(?:[vV]2/+)?").removesuffix(r"/*\Z")
        path = path.replace("/+", "/").replace("(?P<identifier>[^/]+)", "{}")
        yield "/" + re.sub(r"\[(.)(.)\]", r"\2", path)


ROUTES = list(_routes())


@pytest.fixture
def secret(at_acme):
    """A user of acme, every value of whom would be told apart in an answer."""
    return at_acme.post("/Users", SECRET).json


@pytest.fixture
def strangers(at_acme, at_globex, acme, globex):
    """globex at its own host, and the two ways to mix hosts and tokens up."""
    return [
        at_globex,
        ScimClient(globex, at_acme.token),
        ScimClient(acme, at_globex.token),
    ]


def test_the_walk_knows_every_route():
    assert len(ROUTES) == len(urlpatterns) > 8
    assert {"/USERS", "/USERS/{}", "/USERS/.SEARCH", "/.SEARCH", "/SCHEMAS"} <= set(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
def test_no_route_gives_a_stranger_anything(route, strangers, acme, secret, stored, history):
    before = stored(acme), history(acme)
    path = route.format(secret["id"])

    for client in strangers:
        for method in METHODS:
            answer = client.send(method, path, BODIES.get(method))

            assert answer.status < 500 or path == "/ME"
            assert MARK not in answer.text
            assert MARK not in str(answer.headers)

    assert (stored(acme), history(acme)) == before


@pytest.mark.parametrize(
    "look_up",
    [
        None,
        "id pr",
        "userName pr",
        f'userName co "{MARK}"',
        f'userName eq "{MARK}-user@acme.example"',
        f'externalId eq "external-{MARK}-user"',
        f'emails[type eq "work"].value eq "{MARK}-user@acme.example"',
        f'not (userName eq "{MARK}")',
        'meta.created gt "2000-01-01T00:00:00Z"',
        'meta.location co "acme"',
    ],
)
def test_no_filter_finds_the_other_tenants_users(look_up, at_globex, secret):
    parameters = {"filter": look_up} if look_up else {}

    assert at_globex.get("/Users", **parameters).json == listed()
    assert at_globex.get("/Users", **parameters, sortBy="userName", startIndex=2).json == listed(
        start=2
    )
    assert at_globex.post("/.search", parameters).json == listed()


def test_the_same_user_in_both_tenants_lives_two_lives(at_acme, at_globex, acme, globex):
    here = at_acme.post("/Users", JSMITH).json
    there = at_globex.post("/Users", JSMITH).json

    at_acme.patch(f"/Users/{here['id']}", BODIES["PATCH"])
    at_acme.delete(f"/Users/{here['id']}")

    assert at_globex.get("/Users").json == listed(there)
    assert at_globex.post("/Users", JSMITH).status == 409
    assert at_acme.post("/Users", JSMITH).status == 201


def test_a_deleted_user_of_another_tenant_is_not_continued(at_acme, at_globex, globex, stored):
    gone = at_acme.post("/Users", BJENSEN).json
    at_acme.delete(f"/Users/{gone['id']}")

    at_globex.post("/Users", BJENSEN)

    [row] = stored(globex)
    assert row["continues"] is None


def test_tenants_in_turn_each_get_their_own(at_acme, at_globex):
    """Refusals and conflicts in between leave the connection where it belongs."""
    for number in range(25):
        mine = user(f"a{number}", displayName="acme only")
        theirs = user(f"g{number}", displayName="globex only")
        assert at_acme.post("/Users", mine).status == 201
        assert at_globex.post("/Users", theirs).status == 201
        assert at_acme.post("/Users", mine).status == 409
        assert "acme only" not in at_globex.get("/Users").text
        assert at_globex.get("/Users/1").status == 404
        assert "globex only" not in at_acme.get("/Users").text

    assert at_acme.get("/Users", count=0).json == listed(total=25)
    assert at_globex.get("/Users", count=0).json == listed(total=25)


def test_the_operators_own_host_serves_no_tenants_users(operator, at_acme, secret):
    client = ScimClient(operator, at_acme.token)

    for method in METHODS:
        answer = client.send(method, f"/Users/{secret['id']}", BODIES.get(method))

        assert answer.status in (401, 404)
        assert MARK not in answer.text
