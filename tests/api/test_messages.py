"""Messages of other clients: their `schemas`, their doubles, their wrong kinds of JSON."""

from typing import Any

import pytest

from scim.protocol import urns
from scim.protocol.urns import BULK_REQUEST, ENTERPRISE_USER, GROUP, PATCH_OP, SEARCH_REQUEST, USER
from tests.support.payloads import error, user

OLD_USER = "urn:scim:schemas:core:2.0:User"
OLD_GROUP = "urn:scim:schemas:core:2.0:Group"
OLD_ENTERPRISE = "urn:scim:schemas:extension:enterprise:2.0"
OLD_PATCH_OP = "urn:ietf:params:scim:schemas:core:2.0:PatchOp"
UNHEARD = "urn:example:unheard"

# Spellings of `schemas` that no client means anything else by, whatever the endpoint.
EMPTY: list[Any] = [None, [], "", [""]]
ANY = [
    ["urn:scim:schemas:core:1.0"],
    ["urn:scim:schemas:core:2.0"],
    "urn:scim:schemas:core:2.0",
    ["URN:SCIM:Schemas:Core:1.0"],
    ["urn:scim:schemas:core:2.0", OLD_ENTERPRISE],
    [USER],
    [GROUP],
    [f" {USER} "],
]


def spelled(urn: str) -> list[Any]:
    return [*EMPTY, *ANY, urn, urn.lower(), [urn.upper()], [f"{urn} "], f" {urn}", [urn, UNHEARD]]


def others(*messages: str) -> list[Any]:
    """Values of `schemas` that say that the body is something else."""
    wrong: list[Any] = [[UNHEARD], UNHEARD, ["User"], [1], [None], [[USER]], 1, True, {}, {"a": 1}]
    return [*wrong, *([each] for each in messages), *messages]


ENDPOINTS = {
    "user": [*spelled(USER), [OLD_USER], [ENTERPRISE_USER], [OLD_ENTERPRISE]],
    "group": [*spelled(GROUP), [OLD_GROUP], OLD_GROUP],
    "patch": [
        *spelled(PATCH_OP),
        [OLD_PATCH_OP],
        OLD_PATCH_OP,
        ["urn:scim:api:messages:2.0:PatchOp"],
    ],
    "search": spelled(SEARCH_REQUEST),
    "bulk": spelled(BULK_REQUEST),
}
REFUSED = {
    "user": others(PATCH_OP, OLD_PATCH_OP, BULK_REQUEST, urns.LIST_RESPONSE, urns.ERROR),
    "group": others(PATCH_OP, SEARCH_REQUEST),
    "patch": others(BULK_REQUEST, SEARCH_REQUEST),
    "search": others(BULK_REQUEST, PATCH_OP, urns.LIST_RESPONSE),
    "bulk": others(SEARCH_REQUEST, PATCH_OP, urns.BULK_RESPONSE),
}
PATCHED = {"Operations": [{"op": "replace", "path": "title", "value": "Guide"}]}


@pytest.fixture
def send(at_acme, bjensen):
    """`send(kind, schemas)`: the answers to a message of the kind, alone and inside of a Bulk."""
    path = f"/Users/{bjensen['id']}"
    names = iter(range(1000))
    requests = {
        "user": lambda: ("POST", "/Users", user(f"u{next(names)}")),
        "group": lambda: ("POST", "/Groups", {"displayName": f"g{next(names)}"}),
        "patch": lambda: ("PATCH", path, PATCHED),
        "search": lambda: ("POST", "/Users/.search", {"filter": 'userName eq "nobody"'}),
        "bulk": lambda: (
            "POST",
            "/Bulk",
            {"Operations": [{"method": "DELETE", "path": "/Users/1"}]},
        ),
    }

    def sent(kind, schemas):
        method, at, body = requests[kind]()
        answers = [at_acme.send(method, at, {**body, "schemas": schemas})]
        if kind == "user":
            again = {**body, "schemas": schemas}
            answers.append(at_acme.put(f"{path}", {**bjensen, "schemas": schemas}))
            again["userName"] = again["externalId"] = f"again{next(names)}"
            answers.append(bulk(at_acme, "POST", "/Users", again))
        elif kind == "group":
            body = {"displayName": f"again{next(names)}", "schemas": schemas}
            answers.append(bulk(at_acme, "POST", "/Groups", body))
        elif kind == "patch":
            answers.append(bulk(at_acme, "PATCH", path, {**body, "schemas": schemas}))
        return answers

    return sent


def bulk(client, method, path, data):
    """The answer that a single operation of a Bulk has, as if it had come alone."""
    operation = {"method": method, "path": path, "bulkId": "b", "data": data}
    [result] = client.post("/Bulk", {"Operations": [operation]}).json["Operations"]
    return _Result(int(result["status"]), result.get("response"))


class _Result:
    def __init__(self, status: int, json: Any) -> None:
        self.status = status
        self.json = json


@pytest.mark.quirk("E26")
@pytest.mark.quirk("E36")
@pytest.mark.parametrize("kind", ENDPOINTS)
def test_the_endpoint_says_what_a_body_is(kind, send):
    """OneLogin, WSO2's connector, Slack's SDK: their admins cannot change what they send."""
    refused = {
        (str(schemas), answer.status, str(answer.json))
        for schemas in ENDPOINTS[kind]
        for answer in send(kind, schemas)
        if answer.status not in (200, 201)
    }

    assert refused == set()


@pytest.mark.quirk("E36")
@pytest.mark.parametrize("kind", REFUSED)
def test_a_body_that_says_that_it_is_something_else_is_refused(kind, send):
    kinds = {
        (str(schemas), answer.status, answer.json.get("scimType"))
        for schemas in REFUSED[kind]
        for answer in send(kind, schemas)
    }

    assert kinds == {(str(schemas), 400, "invalidSyntax") for schemas in REFUSED[kind]}


@pytest.mark.quirk("E36")
@pytest.mark.parametrize(
    "urn", ["urn:scim:schemas:extension:enterprise:1.0", OLD_ENTERPRISE, OLD_ENTERPRISE.upper()]
)
def test_values_under_the_urn_of_a_draft_are_found(urn, at_acme, at_globex):
    """OneLogin's template; the answer says what the standard says."""
    extension = {urn: {"department": "Tours", "manager": "26118915"}}
    body = user("onelogin", schemas=["urn:scim:schemas:core:1.0", urn], **extension)

    created = at_acme.post("/Users", body).json
    path = f"/Users/{created['id']}"
    changes = {"Operations": [{"op": "replace", "path": f"{urn}:department", "value": "Sales"}]}
    patched = at_acme.patch(path, changes).json
    whole = at_acme.patch(path, {"Operations": [{"op": "add", "value": {urn: {"division": "X"}}}]})
    found = at_acme.get(
        "/Users", filter=f'{urn}:department eq "sales"', attributes=f"{urn}:division"
    )

    assert created["schemas"] == [USER, ENTERPRISE_USER]
    assert created[ENTERPRISE_USER] == {"department": "Tours", "manager": {"value": "26118915"}}
    assert patched[ENTERPRISE_USER]["department"] == "Sales"
    assert whole.json[ENTERPRISE_USER]["division"] == "X"
    assert found.json["Resources"] == [
        {
            "schemas": [USER, ENTERPRISE_USER],
            "id": created["id"],
            ENTERPRISE_USER: {"division": "X"},
        }
    ]
    assert at_globex.post("/Users", body).json[ENTERPRISE_USER] == created[ENTERPRISE_USER]


# --- members that are there twice --------------------------------------------------------------

DOUBLES: list[dict[str, Any]] = [
    {"userName": "a", "username": "b"},
    {"USERNAME": "a"},
    {"name": {"givenName": "A", "GivenName": "B"}},
    {"emails": [{"value": "a", "Value": "b"}]},
    {ENTERPRISE_USER: {"department": "A", "Department": "B"}},
    {ENTERPRISE_USER: {"department": "A"}, ENTERPRISE_USER.lower(): {"department": "B"}},
    {"name": {"givenName": "A"}, "name.givenName": "B"},
    {"name.givenName": "A", "Name.GivenName": "A"},
    {"title": "A", f"{USER}:title": "B"},
    {"department": "A", ENTERPRISE_USER: {"department": "B"}},
    {f"{ENTERPRISE_USER}:department": "A", ENTERPRISE_USER: {"department": "B"}},
    {'emails[type eq "work"].value': "a", f'{USER}:emails[type eq "work"].value': "b"},
    {"emails": [{"value": "a"}], f"{USER}:emails": [{"value": "b"}]},
]


@pytest.mark.parametrize("double", DOUBLES)
def test_a_member_that_is_there_twice_is_refused(double, at_acme, acme, bjensen, stored):
    before, path = stored(acme), f"/Users/{bjensen['id']}"
    patches = [
        {"Operations": [{"op": op, "value": {**bjensen, **double}}]} for op in ("add", "replace")
    ]

    answers = [
        at_acme.post("/Users", {**user("new"), **double}),
        at_acme.put(path, {**bjensen, **double}),
        *(at_acme.patch(path, each) for each in patches),
        at_acme.post(
            "/Bulk",
            {"Operations": [{"method": "PUT", "path": path, "data": {**bjensen, **double}}]},
        ),
    ]

    bulk_result = answers.pop()
    told = bulk_result.json.get("Operations", [{"response": bulk_result.json}])[0]["response"]
    found = {(each["status"], each["scimType"]) for each in (*(a.json for a in answers), told)}
    assert found == {("400", "invalidSyntax")}
    assert stored(acme) == before


def test_the_refusal_names_both(at_acme):
    answer = at_acme.post("/Users", user("new", username="b", password="t1meMa$heen"))

    detail = (
        "The body names one member twice, as userName and username: letter case does not count."
    )
    assert answer.json == error(400, detail, "invalidSyntax")


@pytest.mark.parametrize(
    "twice",
    [
        {"name": {"givenName": "A", "familyName": "B"}, "name.givenName": "A"},
        {"name": {"familyName": "B"}, "name.givenName": "A"},
    ],
)
def test_an_equal_double_counts_once(twice, at_acme):
    created = at_acme.post("/Users", user("new", **twice))

    assert created.json["name"] == {"givenName": "A", "familyName": "B"}


# --- wrong kinds of JSON, anywhere in a message ---------------------------------------------------

WRONG: dict[str, list[Any]] = {
    "text": [1, 1.5, True, [], ["x"], {}, {"a": 1}],
    "array": [1, True, "x", {"op": "add"}],
    "number": [True, [], [1], {}],
    "names": [1, True, {}, [1], [["userName"]]],
}
OPERATION = {"op": "replace", "path": "title", "value": "x"}
BULKED = {"method": "POST", "path": "/Users", "bulkId": "b", "data": {}}


PARAMETERS = {
    "filter": "text",
    "sortBy": "text",
    "sortOrder": "text",
    "cursor": "text",
    "startIndex": "number",
    "count": "number",
    "attributes": "names",
    "excludedAttributes": "names",
}
BODIES = ("PATCH", "PUT", "/Users", "/Groups", "/Bulk", "/.search")


def walk(user_path):
    """A message of each kind with one member of a wrong kind of JSON, or itself of one."""
    yield from (
        ("PATCH", {"Operations": [{**OPERATION, name: wrong}]})
        for name in ("op", "path")
        for wrong in WRONG["text"]
    )
    yield from (
        ("/Bulk", {"Operations": [{**BULKED, name: wrong}]})
        for name in ("method", "path", "bulkId", "version")
        for wrong in WRONG["text"]
    )
    yield from (
        ("/Bulk", {"Operations": [{**BULKED, "method": method, "path": path, "data": wrong}]})
        for method, path in (("POST", "/Users"), ("PUT", user_path), ("PATCH", user_path))
        for wrong in (1, True, "x", [], ["x"])
    )
    yield from (
        (at, {"Operations": wrong})
        for at in ("PATCH", "/Bulk")
        for wrong in (*WRONG["array"], None, [], [1], [None], [[]], ["x"])
    )
    yield from (
        ("/Bulk", {"Operations": [BULKED], "failOnErrors": wrong}) for wrong in (True, "1", [], {})
    )
    yield from (
        ("/.search", {name: wrong}) for name, kind in PARAMETERS.items() for wrong in WRONG[kind]
    )
    yield from ((at, wrong) for at in BODIES for wrong in (None, 1, True, "x", [], ["x"]))


def test_a_wrong_kind_of_json_anywhere_is_refused_as_such(at_acme, acme, bjensen, stored):
    before, user_path = stored(acme), f"/Users/{bjensen['id']}"
    unexpected = []

    for at, body in walk(user_path):
        method, path = (at, user_path) if at in ("PATCH", "PUT") else ("POST", at)
        answer = at_acme.send(method, path, b"null" if body is None else body)
        told = answer.json
        if answer.status == 200 and "Operations" in told:
            told = told["Operations"][0].get("response", {})
        found = (told.get("status"), told.get("scimType"))
        if found != ("400", "invalidSyntax"):
            unexpected.append((at, body, found, told.get("detail")))

    assert unexpected == []
    assert stored(acme) == before
