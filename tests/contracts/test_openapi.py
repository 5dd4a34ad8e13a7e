"""docs/openapi.yaml: it is what the definitions say, and the server does what it says."""

import copy
import re
from urllib.parse import quote, urlencode

import jsonschema_rs
import pytest
import yaml
from django.test import Client
from django.urls import URLResolver

from config import urls_tenant
from scim.protocol import urns
from scim.provider.catalog import RESOURCE_TYPES
from tests.support import conformance, documents
from tests.support import oauth as clients
from tests.support.openapi import examples, oauth
from tests.support.payloads import BJENSEN, patch

METHODS = ("get", "post", "put", "patch", "delete")
DOCUMENT = documents.described()
OPERATIONS = [
    (path, method, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
]


# --- the file ---------------------------------------------------------------------------------


def test_the_file_is_what_the_definitions_say():
    assert documents.OPENAPI.read_text() == documents.openapi(), "run `make docs`"


def test_the_file_reads_back_as_the_document():
    assert yaml.safe_load(documents.OPENAPI.read_text()) == DOCUMENT


def test_every_reference_is_resolved_and_every_component_is_used():
    text = documents.OPENAPI.read_text()
    used = set(re.findall(r"#/components/(\w+)/([\w-]+)", text))
    made = {(kind, name) for kind, all_of in DOCUMENT["components"].items() for name in all_of}

    assert used <= made
    assert {(kind, name) for kind, name in made - used if kind != "securitySchemes"} == set()


def test_each_operation_has_a_name_of_its_own():
    names = [operation["operationId"] for _, _, operation in OPERATIONS]

    assert sorted(set(names)) == sorted(names)
    assert len(names) == conformance.checks_of("schemathesis")


# --- the routes -------------------------------------------------------------------------------


def served():
    """Path and methods of each route of a tenant's host below /scim and /.well-known."""
    for pattern in urls_tenant.urlpatterns:
        if isinstance(pattern, URLResolver) and "sS" in str(pattern.pattern):
            for route in pattern.url_patterns:
                yield f"/scim{readable(str(route.pattern))}", methods(route.callback)
        elif str(pattern.pattern).startswith(".well-known"):
            yield f"/{pattern.pattern}", methods(pattern.callback)


def readable(pattern):
    """The path that a pattern of scim.api.urls was made of."""
    path = pattern.removeprefix("^(?:[vV]2/+)?").removesuffix(r"/*\Z").replace("/+", "/")
    path = path.replace("(?P<identifier>[^/]+)", "{id}")
    path = re.sub(r"\[(.)(.)\]", lambda pair: max(pair[1], pair[2]), path)
    return f"/{path}" if path and not path.startswith("^") else ""


def methods(view):
    """The methods of the view, HEAD and OPTIONS aside; nothing for the one that knows no path."""
    actions = getattr(view, "actions", None)
    if actions is not None:
        return set(actions) & set(METHODS)
    kind = getattr(view, "view_class", None) or view.cls
    return {each for each in METHODS if hasattr(kind, each)}


def test_every_route_is_described_and_every_description_is_a_route():
    routes = {path.lower(): found for path, found in served() if found}

    described = {path.lower(): set(item) & set(METHODS) for path, item in DOCUMENT["paths"].items()}
    assert described == routes


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_other_methods_than_the_described_ones_are_refused(path, at_acme):
    headers = {"Host": at_acme.tenant.host, "Authorization": f"Bearer {at_acme.token}"}
    described = {each.upper() for each in DOCUMENT["paths"][path] if each in METHODS}

    for method in {each.upper() for each in METHODS} - described:
        answer = Client(headers=headers).generic(method, path.replace("{id}", "x"))

        assert answer.status_code == 405
        assert set(answer["Allow"].split(", ")) - {"HEAD"} == described


# --- the answers ------------------------------------------------------------------------------


def validator(schema):
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def resolved(node):
    while "$ref" in node:
        kind, name = node["$ref"].split("/")[-2:]
        node = DOCUMENT["components"][kind][name]
    return node


def check(answer, path, method):
    """Assert that the answer is one of those described."""
    responses = DOCUMENT["paths"][path][method]["responses"]
    described = resolved(responses[str(answer.status_code)])
    for name, header in described.get("headers", {}).items():
        assert validator(resolved(header)["schema"]).is_valid(answer[name])
    if "content" not in described:
        assert answer.content == b""
        return
    content = described["content"][answer["Content-Type"]]
    validator(content["schema"]).validate(answer.json())


@pytest.fixture
def send(at_acme):
    """`send(method, path, body)`: the answer, which is one of those described."""
    credentials = {"Authorization": f"Bearer {at_acme.token}"}
    client = Client(headers={"Host": at_acme.tenant.host, **credentials})

    def request(method, path, body=None, query="", headers=None, **parameters):
        url = path
        for name, value in parameters.items():
            url = url.replace(f"{{{name}}}", quote(value))
        content = {"data": body, "content_type": "application/scim+json"} if body else {}
        answer = getattr(client, method)(f"{url}?{query}", headers=headers, **content)
        check(answer, path, method)
        return answer

    return request


@pytest.fixture
def tara(send):
    """The user who stands for the token's account."""
    body = copy.deepcopy(BJENSEN) | {"userName": "tara@acme.example"}
    return send("post", "/scim/Users", body).json()


def test_users_and_groups_are_answered_as_described(send):
    user = send("post", "/scim/Users", BJENSEN).json()
    members = [{"value": user["id"]}]
    group = send("post", "/scim/Groups", {"displayName": "Guides", "members": members}).json()

    for kind, each in (("Users", user), ("Groups", group)):
        path = f"/scim/{kind}/{{id}}"
        assert send("get", path, id=each["id"]).status_code == 200
        tag = {"If-None-Match": each["meta"]["version"]}
        unchanged = send("get", path, query="excludedAttributes=groups", id=each["id"], headers=tag)
        assert unchanged.status_code == 304
        assert send("put", path, each, id=each["id"]).status_code == 200
        rename = patch({"op": "replace", "path": "displayName", "value": "New"})
        assert send("patch", path, rename, id=each["id"]).status_code in {200, 204}
        assert send("get", f"/scim/{kind}").json()["Resources"][0]["displayName"] == "New"
        search = {"schemas": [urns.SEARCH_REQUEST], "filter": 'displayName eq "New"'}
        assert send("post", f"/scim/{kind}/.search", search).json()["totalResults"] == 1
    assert len(send("get", "/scim").json()["Resources"]) == 2
    assert send("get", "/scim", query="cursor=&count=1").json()["nextCursor"]
    assert send("delete", "/scim/Users/{id}", id=user["id"]).status_code == 204


def test_the_tokens_own_user_is_answered_as_described(send, tara):
    assert send("get", "/scim/Me").json()["id"] == tara["id"]
    assert send("put", "/scim/Me", tara).status_code == 200
    title = patch({"op": "add", "path": "title", "value": "Guide"})
    assert send("patch", "/scim/Me", title).json()["title"] == "Guide"
    assert send("post", "/scim/Me", tara).status_code == 501
    assert send("delete", "/scim/Me").status_code == 204
    assert send("get", "/scim/Me").status_code == 501


def test_discovery_is_answered_as_described(send):
    for path in ("/scim/Schemas", "/scim/ResourceTypes"):
        for each in send("get", path).json()["Resources"]:
            assert send("get", f"{path}/{{id}}", id=each["id"]).json() == each
        assert send("get", f"{path}/{{id}}", id="nothing").status_code == 404
        assert send("get", path, query="filter=x").status_code == 403
    assert send("get", "/scim/ServiceProviderConfig").status_code == 200


def test_refusals_are_answered_as_described(send):
    user = send("post", "/scim/Users", BJENSEN).json()
    stale = {"If-Match": 'W/"9"'}

    refused = [
        send("post", "/scim/Users", BJENSEN),
        send("post", "/scim/Users", {"userName": "x"}),
        send("get", "/scim/Users/{id}", id="nobody"),
        send("get", "/scim/Users", query=urlencode({"filter": "active gt true"})),
        send("delete", "/scim/Users/{id}", id=user["id"], headers=stale),
        send("get", "/scim/Users", headers={"Authorization": "Bearer x"}),
    ]
    statuses = [each.status_code for each in refused]
    assert statuses == [409, 400, 404, 400, 412, 401]


# --- the examples -----------------------------------------------------------------------------

SAMPLES = [
    (path, method, name)
    for path, method, operation in OPERATIONS
    for name in operation.get("requestBody", {})
    .get("content", {})
    .get("application/scim+json", {})
    .get("examples", {})
    if path != "/scim/Me"
]


@pytest.mark.parametrize(("path", "method", "name"), SAMPLES)
def test_every_example_of_a_body_is_accepted_and_fits_its_schema(path, method, name, send):
    content = DOCUMENT["paths"][path][method]["requestBody"]["content"]["application/scim+json"]
    body = content["examples"][name]["value"]
    kind = urns.GROUP_TYPE if "Groups" in path else urns.USER_TYPE
    identifier = ""
    if "{id}" in path:
        sample = next(iter(examples.CREATE[kind].values()))["value"]
        identifier = send("post", f"/scim/{kind}s", sample).json()["id"]

    assert send(method, path, body, id=identifier).status_code in {200, 201, 204}

    validator(content["schema"]).validate(body)


@pytest.mark.parametrize("kind", [each.name for each in RESOURCE_TYPES])
def test_every_example_of_a_filter_is_accepted(kind, send):
    for each in examples.FILTERS[kind].values():
        query = urlencode({"filter": each["value"]})
        assert send("get", f"/scim/{kind}s", query=query).status_code == 200


# --- OAuth ------------------------------------------------------------------------------------


def test_the_token_endpoint_answers_as_described(acme):
    created = clients.create(acme)
    good = clients.ask(acme, clients.grant(created))
    refused = clients.ask(acme, clients.grant(created, client_secret="wrong"))
    unclear = clients.ask(acme, {"grant_type": "password"})

    for answer, status in ((good, 200), (refused, 401), (unclear, 401)):
        assert answer.status_code == status
        check(answer, oauth.TOKEN_PATH, "post")
    wrong = clients.ask(acme, clients.grant(created, grant_type="password"))
    assert wrong.status_code == 400
    check(wrong, oauth.TOKEN_PATH, "post")


@pytest.mark.parametrize("path", [oauth.METADATA_PATH, f"{oauth.METADATA_PATH}/scim"])
def test_the_metadata_is_answered_as_described(path, acme):
    answer = Client(headers={"Host": acme.host}).get(path)

    assert answer.status_code == 200
    check(answer, path, "get")
