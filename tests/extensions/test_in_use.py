"""A tenant's own schema works as the built-in ones do: shown, validated, stored, found, patched."""

from typing import Any

import pytest

from scim.extensions.defining import define_schema, remove_schema
from tests.extensions.definitions import ATTRIBUTES, definition
from tests.support import database, payloads
from tests.support.people import COMMAND
from tests.support.schemas import ACME

DESK = {"value": "4.17", "type": "office", "floor": 4, "primary": True}


@pytest.fixture
def extended(acme, at_acme, extend):
    """acme's directory, after staff defined the schema."""
    extend(acme)
    return at_acme


def user(name: str = "bjensen", **values: Any) -> dict[str, Any]:
    return {
        "schemas": [payloads.CORE, ACME],
        "userName": f"{name}@acme.example",
        "externalId": name,
        "emails": [{"type": "work", "value": f"{name}@acme.example"}],
        ACME: values,
    }


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [*operations],
    }


def found(client, filter_: str, path: str = "/Users") -> list[str]:
    answer = client.get(path, filter=filter_)
    assert answer.status == 200, answer.text
    return [each["userName"].partition("@")[0] for each in answer.json["Resources"]]


def test_schemas_and_resource_types_show_it_to_its_tenant_and_to_no_other(extended, at_globex):
    shown = extended.get(f"/Schemas/{ACME.lower()}")

    assert shown.status == 200
    assert shown.json["id"] == ACME
    assert [each["name"] for each in shown.json["attributes"]] == [a["name"] for a in ATTRIBUTES]
    assert shown.json["meta"] == {
        "resourceType": "Schema",
        "location": f"{extended.tenant.tenant_url}/Schemas/{ACME}",
    }
    assert extended.get("/Schemas").json["totalResults"] == 4
    assert extended.get("/ResourceTypes/User").json["schemaExtensions"] == [
        {"schema": payloads.ENTERPRISE, "required": False},
        {"schema": ACME, "required": False},
    ]
    assert extended.get("/ResourceTypes/Group").json["schemaExtensions"] == []
    assert at_globex.get(f"/Schemas/{ACME}").status == 404
    assert at_globex.get("/Schemas").json["totalResults"] == 3


def test_a_user_is_created_with_it_and_comes_back_with_it(extended):
    values = {
        "badge": "B-7",
        "shirt": "M",
        "joined": "2024-02-29T08:00:00Z",
        "languages": ["de", "en"],
        "desks": [DESK],
    }

    created = extended.post("/Users", user(**values, pin="1234", notes="left-handed"))

    assert created.status == 201
    assert created.json["schemas"] == [payloads.CORE, ACME]
    assert created.json[ACME] == values
    assert extended.get(f"/Users/{created.json['id']}").json == created.json


def test_another_tenant_ignores_what_it_does_not_know(extended, at_globex):
    body = {**user(badge="B-7"), "userName": "bjensen@globex.example"}

    created = at_globex.post("/Users", body)

    assert created.status == 201
    assert created.json["schemas"] == [payloads.CORE]
    assert ACME not in created.json


def test_a_write_only_value_is_accepted_and_not_kept(extended, stored):
    extended.post("/Users", user(shirt="M", pin="1234"))

    (row,) = stored(extended.tenant)
    assert row["document"][ACME] == {"shirt": "M"}


def test_an_attribute_returned_on_request_is_returned_on_request(extended):
    created = extended.post("/Users", user(shirt="M", notes="left-handed")).json

    assert created[ACME] == {"shirt": "M"}
    asked = extended.get(f"/Users/{created['id']}", attributes=f"{ACME}:notes").json
    assert asked[ACME] == {"notes": "left-handed"}


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        ({"joined": "yesterday"}, "joined must be a dateTime such as 2011-05-13T04:42:34Z."),
        ({"desks": [{"value": "1", "floor": "four"}]}, "desks.floor must be an integer; the"),
        ({"desks": [{"floor": 4}]}, "desks.value is missing."),
        ({"desks": [{**DESK}, {"value": "2", "primary": True}]}, "more than one value whose"),
        ({"shirt": True}, "shirt must be a string; the request has a boolean."),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_its_full_name(extended, values, detail):
    answer = extended.post("/Users", user(**values))

    assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")
    assert f"{ACME}:" in answer.json["detail"]
    assert detail in answer.json["detail"]


@pytest.mark.parametrize(
    "filter_",
    [
        f'{ACME}:shirt eq "m"',
        f'{ACME.upper()}:Shirt sw "M"',
        'shirt eq "M"',
        f'{ACME}:badge eq "B-7"',
        f'{ACME}:joined lt "2024-03-01T00:45:00+01:00"',
        f'{ACME}:languages eq "EN"',
        f"{ACME}:desks.floor gt 3",
        f'{ACME}:desks[type eq "office" and floor eq 4]',
        f"{ACME}:desks pr",
        f'not ({ACME}:shirt eq "L")',
    ],
)
def test_a_filter_finds_by_it(extended, filter_):
    values = {"languages": ["de", "en"], "desks": [DESK], "joined": "2024-02-29T23:30:00Z"}
    extended.post("/Users", user("bjensen", badge="B-7", shirt="M", **values))
    extended.post("/Users", user("jsmith", badge="b-7", shirt="L", joined="2024-03-01T00:00:00Z"))

    assert found(extended, filter_) == ["bjensen"]
    assert found(extended, filter_, path="/") == ["bjensen"]


def test_a_list_sorts_by_it(extended):
    for name, shirt in (("a", "s"), ("b", "L"), ("c", "m")):
        extended.post("/Users", user(name, shirt=shirt))

    answer = extended.get("/Users", sortBy=f"{ACME}:shirt", sortOrder="descending")

    assert [each[ACME]["shirt"] for each in answer.json["Resources"]] == ["s", "m", "L"]


def test_another_tenant_cannot_filter_by_it(extended, at_globex):
    answer = at_globex.get("/Users", filter=f'{ACME}:shirt eq "M"')

    assert (answer.status, answer.json["scimType"]) == (400, "invalidFilter")


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        ({"op": "Replace", "path": f"{ACME}:shirt", "value": "XL"}, {"shirt": "XL"}),
        ({"op": "add", "path": ACME, "value": {"shirt": "XL"}}, {"shirt": "XL"}),
        ({"op": "add", "value": {f"{ACME}:shirt": "XL"}}, {"shirt": "XL"}),
        ({"op": "add", "value": {ACME: {"shirt": "XL"}}}, {"shirt": "XL"}),
        ({"op": "Remove", "path": f"{ACME}:shirt"}, {}),
        ({"op": "replace", "path": f"{ACME}:shirt", "value": ""}, {}),
        (
            {"op": "Add", "path": f'{ACME}:desks[type eq "home"].floor', "value": 1},
            {"desks": [DESK, {"type": "home", "floor": 1}]},
        ),
        (
            {"op": "replace", "path": f'{ACME}:desks[type eq "office"].value', "value": "5.1"},
            {"desks": [{**DESK, "value": "5.1"}]},
        ),
        ({"op": "remove", "path": f"{ACME}:desks[floor eq 4]"}, {"desks": None}),
        ({"op": "remove", "path": ACME}, None),
    ],
)
def test_a_patch_reaches_it_in_every_spelling(acme, at_acme, operation, after):
    desks = {"name": "value"}, {"name": "type"}, {"name": "floor", "type": "integer"}, {
        "name": "primary", "type": "boolean",
    }  # fmt: skip
    many = {"name": "desks", "type": "complex", "multiValued": True, "subAttributes": list(desks)}
    define_schema(COMMAND, acme, definition({"name": "shirt"}, many))
    identifier = at_acme.post("/Users", user(shirt="M", desks=[DESK])).json["id"]

    answer = at_acme.patch(f"/Users/{identifier}", patch(operation))

    assert answer.status == 200, answer.text
    before = {"shirt": "M", "desks": [DESK]}
    wanted = {} if after is None else {**before, **after}
    if after == {}:
        wanted.pop("shirt")
    wanted = {name: value for name, value in wanted.items() if value is not None}
    assert answer.json.get(ACME, {}) == wanted
    assert (ACME in answer.json["schemas"]) is bool(wanted)


def test_an_immutable_attribute_stays_once_it_has_a_value(extended):
    identifier = extended.post("/Users", user(joined="2024-02-29T08:00:00Z")).json["id"]
    change = {"op": "replace", "path": f"{ACME}:joined", "value": "2025-01-01T00:00:00Z"}

    answer = extended.patch(f"/Users/{identifier}", patch(change))

    assert (answer.status, answer.json["scimType"]) == (400, "mutability")
    assert answer.json["detail"] == f"{ACME}:joined cannot be changed once it has a value."


def test_put_replaces_it_and_the_history_tells_each_attribute(extended, history):
    identifier = extended.post("/Users", user(shirt="M", badge="B-7")).json["id"]

    answer = extended.put(f"/Users/{identifier}", user(shirt="L"))

    assert answer.json[ACME] == {"shirt": "L"}
    changes = [(c.path, c.before, c.after) for c in history(extended.tenant) if c.version == 2]
    assert changes == [(f"{ACME}:badge", "B-7", None), (f"{ACME}:shirt", "M", "L")]


def test_a_unique_attribute_is_refused_to_a_second_user(extended):
    extended.post("/Users", user("bjensen", badge="B-7"))
    other = extended.post("/Users", user("jsmith", badge="B-8")).json["id"]

    created = extended.post("/Users", user("third", badge="B-7"))
    change = {"op": "replace", "path": f"{ACME}:badge", "value": "B-7"}
    patched = extended.patch(f"/Users/{other}", patch(change))

    for answer in (created, patched):
        assert (answer.status, answer.json["scimType"]) == (409, "uniqueness")
        assert answer.json["detail"] == (
            f"Another User already has this {ACME}:badge; it must be unique within the tenant."
        )
    assert extended.post("/Users", user("fourth", badge="b-7")).status == 201


def test_a_deleted_user_frees_its_unique_attribute(extended):
    former = extended.post("/Users", user("bjensen", badge="B-7")).json["id"]
    extended.delete(f"/Users/{former}")

    assert extended.post("/Users", user("jsmith", badge="B-7")).status == 201


def test_a_required_schema_must_have_values(acme, at_acme):
    define_schema(COMMAND, acme, definition({"name": "shirt", "required": True}, is_required=True))

    without = at_acme.post("/Users", {**user(), ACME: {}})
    blank = at_acme.post("/Users", user(shirt=" "))
    whole = at_acme.post("/Users", user(shirt="M"))
    cleared = at_acme.patch(
        f"/Users/{whole.json['id']}", patch({"op": "remove", "path": f"{ACME}:shirt"})
    )

    assert (without.status, without.json["detail"]) == (
        400,
        f"{ACME} is missing; each User must have values of it.",
    )
    assert (blank.status, blank.json["detail"]) == (400, f"{ACME}:shirt is missing.")
    assert whole.status == 201
    assert (cleared.status, cleared.json["scimType"]) == (400, "invalidValue")


def test_bulk_and_search_know_it(extended):
    operation = {"method": "POST", "path": "/Users", "bulkId": "b", "data": user(shirt="M")}
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [operation],
    }
    search = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": f'{ACME}:shirt eq "M"',
        "attributes": [f"{ACME}:shirt"],
    }

    assert extended.post("/Bulk", body).json["Operations"][0]["status"] == "201"
    (resource,) = extended.post("/.search", search).json["Resources"]
    assert resource[ACME] == {"shirt": "M"}


def test_a_group_can_have_one(acme, at_acme):
    urn = ACME.replace("User", "Group")
    define_schema(COMMAND, acme, definition({"name": "cost"}, urn=urn, resource_type="Group"))

    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group", urn], "displayName": "Blue"}
    made = at_acme.post("/Groups", {**body, urn: {"cost": "17"}})

    assert made.status == 201
    assert made.json[urn] == {"cost": "17"}
    assert at_acme.get("/Groups", filter=f'{urn}:cost eq "17"').json["totalResults"] == 1


def test_once_removed_it_is_unknown_again(acme, extended):
    extended.post("/Users", user("bjensen"))
    with database.owned():
        remove_schema(COMMAND, acme, ACME)

    assert extended.get(f"/Schemas/{ACME}").status == 404
    assert extended.get("/Users", filter=f'{ACME}:shirt eq "M"').status == 400
    created = extended.post("/Users", user("jsmith", shirt="M"))
    assert created.status == 201
    assert ACME not in created.json


def test_values_of_a_deleted_user_are_read_again_when_the_schema_comes_back(
    acme, extended, stored, extend
):
    former = extended.post("/Users", user(shirt="M")).json["id"]
    extended.delete(f"/Users/{former}")
    with database.owned():
        remove_schema(COMMAND, acme, ACME)

    extend(acme)

    (row,) = stored(acme)
    assert row["document"][ACME] == {"shirt": "M"}


def test_a_request_asks_for_no_schema_once_this_process_has_read_it(extended, statements):
    extended.post("/Users", user("first", shirt="M"))

    with statements() as executed:
        assert extended.post("/Users", user("second", shirt="M")).status == 201

    assert len(executed) == 2  # the token; the user with its history and event
