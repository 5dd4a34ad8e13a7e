"""Nothing means nothing: an empty value lets nobody in and takes nobody out (docs/product.md).

Each spelling of "nothing" is tried wherever a value is read: by path, without one, by Bulk.
"""

import json
from typing import Any

import pytest

from tests.support.payloads import BJENSEN, CORE, ENTERPRISE, error, user

NOTHING: list[Any] = [None, "", [], [None], [""], {"value": None}, [{"$ref": None, "value": ""}]]
EMPTY: list[Any] = [[], {}]
OPERATIONS = [
    *({"op": op, "path": path, "value": value}
      for op in ("Replace", "add") for path in ("active", f"{CORE}:active") for value in NOTHING),
    *({"op": op, "value": {path: value}}
      for op in ("replace", "Add") for path in ("active", f"{CORE}:active") for value in NOTHING),
    *({"op": "replace", "value": {CORE: {"active": value}}} for value in NOTHING),
    *({"op": "replace", "path": CORE, "value": {"active": value}} for value in NOTHING),
    *({"op": "Remove", "path": "active", "value": value} for value in (*NOTHING, False, True, "True")),
    {"op": "remove", "path": "active"},
]  # fmt: skip


@pytest.fixture(params=[True, False])
def somebody(request, at_acme):
    """A user of acme, active or disabled. Without a value a user is active (RFC 7643 §4.1.1)."""
    return at_acme.post("/Users", {**BJENSEN, "active": request.param}).json


def found_by_active(client, somebody):
    """The values of `active` by which a filter finds the user."""
    look_up = f'id eq "{somebody["id"]}" and active eq {{}}'
    totals = {each: client.get("/Users", filter=look_up.format(each)).json["totalResults"]
              for each in ("true", "false")}  # fmt: skip
    return [each for each, total in totals.items() if total]


@pytest.mark.quirk("E44")
def test_nothing_for_active_lets_nobody_in_and_puts_nobody_out(at_acme, acme, somebody, events):
    path, is_active = f"/Users/{somebody['id']}", somebody["active"]

    answers = [at_acme.patch(path, {"Operations": [each]}) for each in OPERATIONS]
    bulk = at_acme.post(
        "/Bulk",
        {"Operations": [
            {"method": "PATCH", "path": path, "data": {"Operations": [each]}} for each in OPERATIONS
        ]},
    )  # fmt: skip

    assert [answer.json for answer in answers] == [somebody] * len(OPERATIONS)
    assert {each["status"] for each in bulk.json["Operations"]} == {"200"}
    assert at_acme.get(path).json == somebody
    assert found_by_active(at_acme, somebody) == ["true" if is_active else "false"]
    assert events(acme)[1].notes == ["Ignored nothing as the value of active."]


@pytest.mark.quirk("E44")
@pytest.mark.parametrize("value", ["absent", *NOTHING])
def test_a_put_without_active_and_a_post_without_it_are_as_before(value, at_acme, somebody):
    body = {k: v for k, v in BJENSEN.items() if k != "active"}
    sent = body if value == "absent" else {**body, "active": value}

    put = at_acme.put(f"/Users/{somebody['id']}", sent).json
    new = at_acme.post("/Users", {**sent, "userName": "new"}).json

    assert (put["active"], new["active"]) == (somebody["active"], True)
    assert found_by_active(at_acme, new) == ["true"]


@pytest.mark.quirk("E44")
def test_nothing_after_a_value_leaves_the_value(at_acme, somebody):
    path = f"/Users/{somebody['id']}"
    disable = {"op": "replace", "path": "active", "value": "False"}

    for nothing in ({"op": "remove", "path": "active"}, {"op": "replace", "value": {"active": ""}}):
        answer = at_acme.patch(path, {"Operations": [disable, nothing]})
        assert answer.json["active"] is False


@pytest.mark.parametrize("value", [{}, {"a": 1}, [True, False], [{}], "perhaps", 1])
@pytest.mark.parametrize("op", ["add", "replace", "remove"])
def test_an_invalid_value_of_active_is_refused(value, op, at_acme, somebody):
    path = f"/Users/{somebody['id']}"

    by_path = at_acme.patch(path, {"Operations": [{"op": op, "path": "active", "value": value}]})
    posted = at_acme.post("/Users", {**BJENSEN, "userName": "x", "active": value})
    put = at_acme.put(path, {**BJENSEN, "active": value})

    assert {(each.status, each.json["scimType"]) for each in (by_path, posted, put)} == {
        (400, "invalidValue")
    }
    assert at_acme.get(path).json == somebody


# --- lists and objects ---------------------------------------------------------------------------

FULL = user(
    "full",
    active=True,
    name={"givenName": "A", "familyName": "B"},
    phoneNumbers=[{"value": "+1", "type": "work"}, {"value": "+2", "type": "home"}],
    roles=[{"value": "Admin"}],
    addresses=[{"type": "work", "country": "ML"}],
    **{ENTERPRISE: {"department": "Tours", "manager": {"value": "1"}}},
)


@pytest.mark.quirk("E43")
@pytest.mark.parametrize(
    "operation",
    [
        *(
            {"op": "remove", "path": path, "value": value}
            for path in ("phoneNumbers", "roles", "emails", "addresses")
            for value in (*EMPTY, "", "[]", [None])
        ),
        *(
            {"op": "remove", "path": path, "value": value}
            for path in ("name", f"{ENTERPRISE}:manager", ENTERPRISE)
            for value in EMPTY
        ),
        *(
            {"op": "add", "path": path, "value": value}
            for path in (
                "name",
                f"{ENTERPRISE}:manager",
                ENTERPRISE,
                "phoneNumbers",
                "roles",
                "emails",
            )
            for value in (*EMPTY, "{}", "[]")
        ),
        {"op": "add", "value": {"name": {}, "emails": [], ENTERPRISE: {}, "phoneNumbers": {}}},
        {"op": "add", "value": {}},
    ],
)
def test_an_empty_list_removes_nothing_and_adds_nothing(operation, at_acme):
    before = at_acme.post("/Users", FULL).json

    answer = at_acme.patch(f"/Users/{before['id']}", {"Operations": [operation]})

    assert (answer.status, answer.json) == (200, before)


@pytest.mark.quirk("E43")
@pytest.mark.parametrize(
    ("operation", "gone"),
    [
        ({"op": "remove", "path": "phoneNumbers"}, "phoneNumbers"),
        ({"op": "remove", "path": "phoneNumbers", "value": None}, "phoneNumbers"),
        ({"op": "replace", "path": "phoneNumbers", "value": []}, "phoneNumbers"),
        ({"op": "remove", "path": "name"}, "name"),
        ({"op": "add", "path": "name", "value": None}, "name"),
        ({"op": "remove", "path": ENTERPRISE}, ENTERPRISE),
        ({"op": "remove", "path": ENTERPRISE, "value": None}, ENTERPRISE),
        (
            {
                "op": "remove",
                "path": ENTERPRISE,
                "value": {"department": "tours", "manager": {"value": "1"}},
            },
            ENTERPRISE,
        ),
    ],
)
def test_an_attribute_named_as_a_whole_is_removed_as_a_whole(operation, gone, at_acme):
    before = at_acme.post("/Users", FULL).json

    after = at_acme.patch(f"/Users/{before['id']}", {"Operations": [operation]}).json

    assert before.keys() - after.keys() == {gone}


def test_a_removal_below_an_extension_takes_what_its_value_names(at_acme):
    before = at_acme.post("/Users", FULL).json
    removal = {"op": "remove", "path": ENTERPRISE, "value": {"department": "Sales", "manager": "1"}}

    after = at_acme.patch(f"/Users/{before['id']}", {"Operations": [removal]}).json

    assert after[ENTERPRISE] == {"department": "Tours"}


# --- members -------------------------------------------------------------------------------------

A, B, C = range(3)
NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def people(at_acme):
    return [at_acme.post("/Users", user(f"u{n}")).json["id"] for n in range(3)]


@pytest.fixture
def group(at_acme, people):
    """A group of A and B: its path."""
    members = [{"value": people[each]} for each in (A, B)]
    return f"/Groups/{at_acme.post('/Groups', {'displayName': 'G', 'members': members}).json['id']}"


@pytest.fixture
def change(at_acme, people, group):
    """`change(op, path, value)`: the status, and who is in the group after it; ids fill in for letters."""

    def done(op, path="members", *value):
        text = json.dumps({"op": op, "path": path, **({"value": value[0]} if value else {})})
        for letter, identifier in zip("ABC", people, strict=True):
            text = text.replace(f"<{letter}>", identifier)
        answer = at_acme.patch(group, {"Operations": [json.loads(text)]})
        members = at_acme.get(group).json.get("members", [])
        kind = answer.json["scimType"] if answer.status >= 400 else None
        return answer.status, kind, "".join("ABC"[people.index(each["value"])] for each in members)

    return done


REFUSED = (400, "invalidValue", "AB")
AT_A = 'members[value eq "<A>"]'
AT_C = "members[value eq <C>]"


@pytest.mark.quirk("E43")
@pytest.mark.parametrize("value", [[], {}, "", "[]"])
@pytest.mark.parametrize("op", ["remove", "add"])
def test_an_empty_list_names_nobody(op, value, change):
    assert change(op, "members", value) == (204, None, "AB")


@pytest.mark.parametrize("value", [(), (None,)], ids=str)
def test_a_removal_without_a_value_is_of_all(value, change):
    assert change("remove", "members", *value) == (204, None, "")


@pytest.mark.parametrize(
    "member", [None, "", [], {}, {"value": None}, {"value": {}}, {"value": {"value": "<C>"}}, {"type": "User"},
               {"value": ["<C>"]}, {"display": "C"}]
)  # fmt: skip
@pytest.mark.parametrize("op", ["add", "replace", "remove"])
def test_a_member_that_names_nobody_is_refused(op, member, change):
    assert change(op, "members", [{"value": "<C>"}, member]) == REFUSED
    assert change(op, "members", [member]) == REFUSED


@pytest.mark.parametrize("member", [None, {}, {"value": None}, {"value": {}}, {"type": "User"}])
def test_a_group_with_such_a_member_is_refused_whole(member, at_acme, group):
    body = {"displayName": "H", "members": [member]}

    answers = [at_acme.post("/Groups", body), at_acme.put(group, body)]

    assert [(each.status, each.json["scimType"]) for each in answers] == [(400, "invalidValue")] * 2


@pytest.mark.quirk("E30")
@pytest.mark.parametrize(
    ("value", "after"),
    [
        ([{"value": NOBODY}], REFUSED),
        ([{"value": NOBODY}, {"value": "nonsense"}], REFUSED),
        ("nonsense", REFUSED),
        ("u0@acme.example", REFUSED),
        ({}, REFUSED),
        ([{"value": NOBODY}, {"value": "<C>"}], (204, None, "C")),
        ([], (204, None, "")),
        (None, (204, None, "")),
    ],
)
def test_a_replacement_of_whom_nobody_is_known_is_refused(value, after, change):
    assert change("replace", "members", value) == after


def test_a_put_of_whom_nobody_is_known_is_refused(at_acme, at_globex, group):
    stranger = at_globex.post("/Users", user("stranger")).json["id"]
    before = at_acme.get(group).json

    answer = at_acme.put(group, {"displayName": "H", "members": [{"value": stranger}]})

    detail = "Nobody here has the ids of the members that are to come in."
    assert answer.json == error(400, detail, "invalidValue")
    assert at_acme.get(group).json == before


@pytest.mark.quirk("E40")
@pytest.mark.parametrize(
    ("op", "value", "after"),
    [
        ("replace", '[{"value":"<C>"}]', "C"),
        ("replace", '{"value":"<C>"}', "C"),
        ("add", '[{"value":"<C>"}]', "ABC"),
        ("add", '["<C>"]', "ABC"),
        ("remove", '[{"value":"<A>"}]', "B"),
    ],
)
def test_members_may_be_json_in_a_text(op, value, after, at_acme, people, group):
    for letter, identifier in zip("ABC", people, strict=True):
        value = value.replace(f"<{letter}>", identifier)

    at_acme.patch(group, {"Operations": [{"op": op, "path": "members", "value": value}]})

    members = {each["value"] for each in at_acme.get(group).json["members"]}
    assert members == {people["ABC".index(letter)] for letter in after}


@pytest.mark.parametrize("value", ['[{"value":"<C>"}', "[nobody]", '{"a": 1}', "[1, 2"])
def test_a_text_that_is_no_list_of_members_is_refused(value, change):
    for op in ("add", "replace", "remove"):
        assert change(op, "members", value) == REFUSED


@pytest.mark.quirk("E42")
@pytest.mark.parametrize(
    ("op", "path", "value", "after"),
    [
        ("replace", AT_A, {"value": "<C>"}, (204, None, "BC")),
        ("replace", AT_A, [{"value": "<C>"}], (204, None, "BC")),
        ("Replace", AT_A, "<C>", (204, None, "BC")),
        ("replace", AT_A, {"$ref": "../Users/<C>"}, (204, None, "BC")),
        ("replace", AT_A, {"value": "<B>"}, (204, None, "B")),
        ("replace", AT_A, [{"value": "<A>"}, {"value": "<C>"}], (204, None, "ABC")),
        ("replace", AT_A, {"value": "<A>"}, (204, None, "AB")),
        ("replace", AT_A, {"type": "User"}, (204, None, "AB")),
        ("replace", AT_A, [], (204, None, "B")),
        ("replace", AT_A, None, (204, None, "B")),
        ("replace", AT_A, "", (204, None, "B")),
        ("replace", AT_A, {"value": NOBODY}, REFUSED),
        ("replace", AT_A, [{}], REFUSED),
        ("replace", AT_A, {"members": [{"value": "<C>"}]}, REFUSED),
        ("add", AT_C, {"members": [{"value": "<C>"}]}, REFUSED),
        ("replace", AT_C, {"value": "<A>"}, (204, None, "AB")),
        ("replace", AT_C, {"value": "<C>"}, (204, None, "ABC")),
        ("replace", 'members[type eq "User"]', {"value": "<C>"}, (400, "noTarget", "AB")),
        ("replace", 'members[type eq "User"]', [], (204, None, "")),
        ("add", AT_A, [{"value": "<C>"}], REFUSED),
        ("add", AT_C, [{"value": "<A>"}], REFUSED),
        ("add", AT_C, {"value": "<C>"}, (204, None, "ABC")),
        ("add", AT_C, {"type": "User"}, (204, None, "ABC")),
        ("remove", AT_A, {"value": "<B>"}, REFUSED),
        ("remove", AT_A, [{"value": "<A>"}], (204, None, "B")),
        ("remove", AT_A, [], (204, None, "B")),
    ],
)
def test_one_member_is_replaced_by_another(op, path, value, after, change):
    assert change(op, path, value) == after
