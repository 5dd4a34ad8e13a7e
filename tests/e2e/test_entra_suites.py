"""Requests of Microsoft's own testers: SCIM Validator and the suite for the application gallery.

The suite reads /Schemas, makes a list of mappable attributes of it and blanks, updates and reads
back each of them, in verbose PATCH (an operation for each) and compact PATCH (one value without a
path beside the paths with a filter).
"""

import pytest

from tests.support.payloads import BJENSEN, CORE, ENTERPRISE, error, listed, patch, user

MADE_UP = "8d5a1c1e-0f0e-4b7a-9d0a-7a4b5f3c2d11"
MANAGER = f"{ENTERPRISE}:manager"


@pytest.fixture
def entra(acme, scim):
    return scim(acme)


@pytest.fixture
def mappable(entra):
    """The suite's list: path -> whether it is required, of all attributes that hold one string."""
    found = {}
    described = {each["id"]: each for each in entra.get("/Schemas").json["Resources"]}
    for schema in (described[CORE], described[ENTERPRISE]):
        for attribute in schema["attributes"]:
            prefix = "" if schema["id"] == CORE else f"{schema['id']}:"
            found.update(_flattened(prefix, attribute))
    return found


def _flattened(prefix, attribute):
    name = prefix + attribute["name"]
    if "read" not in attribute["mutability"] or attribute["mutability"] == "readOnly":
        return
    if attribute["type"] == "string" and not attribute["multiValued"]:
        yield name, attribute["required"]
    subs = attribute.get("subAttributes", [])
    kinds = [sub.get("canonicalValues") for sub in subs if sub["name"] == "type"]
    if attribute["multiValued"]:
        chosen = f'type eq "{kinds[0][0]}"' if kinds and kinds[0] else 'primary eq "True"'
        name += f"[{chosen}]"
    for sub in subs:
        if sub["type"] == "string" and sub["name"] != "type" and attribute["name"] != "manager":
            yield f"{name}.{sub['name']}", attribute["required"]


def verbose(values):
    return patch(*({"op": "Replace", "path": p, "value": v} for p, v in values.items()))


def compact(values):
    apart = [{"op": "replace", "path": p, "value": v} for p, v in values.items() if "[" in p]
    rest = {path: value for path, value in values.items() if "[" not in path}
    return patch(*apart, {"op": "replace", "value": rest})


def read(resource, path):
    """The value at one of the suite's paths; None when there is none."""
    held = resource
    if path.startswith(ENTERPRISE):
        held, path = resource.get(ENTERPRISE, {}), path.removeprefix(f"{ENTERPRISE}:")
    for step in path.replace("].", "]").replace("]", ".").split("."):
        name, _, chosen = step.partition("[")
        held = (held or {}).get(name)
        if chosen:
            kind = chosen.split('"')[1]
            held = next((each for each in held or [] if each.get("type") == kind), None)
    return held


# --- the gallery suite ------------------------------------------------------------------------


@pytest.mark.quirk("E10")
def test_the_schemas_offer_what_the_tutorial_maps(mappable):
    assert {path: mappable.get(path) for path in TUTORIAL} == TUTORIAL
    assert not any(path.startswith(("id", "meta", "groups")) for path in mappable)
    assert "password" not in mappable


TUTORIAL = {
    "userName": True,
    "externalId": True,
    'emails[type eq "work"].value': True,
    "name.givenName": False,
    "name.familyName": False,
    "name.formatted": False,
    'addresses[type eq "work"].country': False,
}


@pytest.mark.quirk("E7")
@pytest.mark.quirk("E9")
@pytest.mark.parametrize("flavor", [verbose, compact])
def test_update_writes_any_text_into_every_attribute(flavor, entra, mappable):
    path = f"/Users/{entra.post('/Users', BJENSEN).json['id']}"
    values = {each: f"upd-{number:08x}" for number, each in enumerate(mappable)}

    answer = entra.patch(path, flavor(values))

    assert answer.status == 200
    assert {each: read(answer.json, each) for each in values} == values
    assert entra.get(path).json == answer.json


@pytest.mark.quirk("E8")
@pytest.mark.parametrize("nothing", ["", None])
@pytest.mark.parametrize("flavor", [verbose, compact])
def test_null_update_blanks_every_optional_attribute(flavor, nothing, entra, mappable):
    created = entra.post("/Users", BJENSEN).json
    path = f"/Users/{created['id']}"
    optional = [each for each, is_required in mappable.items() if not is_required]
    entra.patch(path, verbose(dict.fromkeys(optional, "before")))

    answer = entra.patch(path, flavor(dict.fromkeys(optional, nothing)))

    assert answer.status == 200
    assert {each: read(answer.json, each) for each in optional} == dict.fromkeys(optional)
    required = {each: created[each] for each in ("userName", "externalId", "emails")}
    assert {each: answer.json[each] for each in required} == required


@pytest.mark.quirk("E4")
@pytest.mark.quirk("E21")
def test_update_manager_with_three_users_of_one_email(entra):
    email = [{"type": "work", "value": "shared@contoso.com", "primary": True}]
    one, two, three = (
        entra.post("/Users", user(name, emails=email)).json["id"] for name in ("a", "b", "c")
    )
    path = f"/Users/{one}"

    seen = [
        entra.patch(path, patch({"op": op, "path": MANAGER, "value": value})).json.get(ENTERPRISE)
        for op, value in [("add", two), ("replace", three), ("replace", ""), ("Add", two)]
    ]

    held = [{"manager": {"value": each}} if each else None for each in (two, three, None, two)]
    assert seen == held


def test_disable_restore_and_delete(entra):
    path = f"/Users/{entra.post('/Users', BJENSEN).json['id']}"

    disabled = entra.patch(path, patch({"op": "replace", "path": "active", "value": False}))
    restored = entra.patch(path, patch({"op": "Replace", "path": "active", "value": "True"}))

    assert (disabled.json["active"], restored.json["active"]) == (False, True)
    assert [entra.delete(path).status, entra.get(path).status] == [204, 404]


def test_pagination_tells_its_start_exactly(entra):
    created = [entra.post("/Users", user(f"u{n}")).json["id"] for n in range(12)]

    pages = [entra.get("/Users", startIndex=start, count=5).json for start in (1, 6, 11)]

    assert [page["startIndex"] for page in pages] == [1, 6, 11]
    assert {page["totalResults"] for page in pages} == {12}
    found = [each["id"] for page in pages for each in page["Resources"]]
    assert sorted(found) == sorted(created)


def test_the_onboarding_probe_asks_for_little(entra):
    assert entra.get("/Users", count=1).json == listed()
    assert entra.get("/Users", filter="").json == listed()
    assert entra.get("/Schemas").status == 200


# --- the SCIM Validator -----------------------------------------------------------------------


@pytest.mark.quirk("E5")
def test_a_user_may_be_created_with_a_manager_who_does_not_exist(entra):
    answer = entra.post("/Users", {**BJENSEN, ENTERPRISE: {"manager": {"value": MADE_UP}}})

    assert (answer.status, answer.json[ENTERPRISE]) == (201, {"manager": {"value": MADE_UP}})


@pytest.mark.quirk("E2")
@pytest.mark.quirk("E9")
def test_default_attributes_come_with_booleans_as_text(entra):
    sent = {
        **BJENSEN,
        "roles": [{"primary": "True", "display": "r", "value": "r1", "type": "t"}],
        "addresses": [{"type": "work", "primary": True, "country": "Sierra Leone"}],
    }

    answer = entra.post("/Users", sent)

    assert answer.json["roles"] == [{"value": "r1", "display": "r", "type": "t", "primary": True}]
    assert answer.json["addresses"] == [
        {"country": "Sierra Leone", "type": "work", "primary": True}
    ]


@pytest.mark.quirk("E8")
@pytest.mark.quirk("E12")
def test_nulls_stand_for_absent_attributes(entra):
    """The documentation's example, its attributes of the extension at the top level included."""
    nulls = dict.fromkeys(
        ["displayName", "department", "manager", "title", "addresses", "phoneNumbers"]
    )

    answer = entra.post("/Users", {**BJENSEN, **nulls, "name": {"givenName": None}})

    assert answer.status == 201
    assert sorted(answer.json) == [
        "active",
        "emails",
        "externalId",
        "id",
        "meta",
        "schemas",
        "userName",
    ]


def test_filters_find_existing_users_in_any_letter_case_and_no_others(entra):
    created = entra.post("/Users", BJENSEN).json

    for look_up in ("bjensen@acme.example", "BJENSEN@ACME.EXAMPLE"):
        assert entra.get("/Users", filter=f'userName eq "{look_up}"').json == listed(created)
    assert entra.get("/Users", filter=f'userName eq "{MADE_UP}"').json == listed()


@pytest.mark.parametrize(
    ("op", "value", "left"),
    [
        ("replace", {"value": MADE_UP}, {"value": MADE_UP}),
        ("add", {"value": MADE_UP}, {"value": MADE_UP}),
        ("remove", None, None),
    ],
)
def test_the_manager_is_replaced_added_and_removed(op, value, left, entra):
    sent = {**BJENSEN, ENTERPRISE: {"manager": {"value": "26118915"}}}
    path = f"/Users/{entra.post('/Users', sent).json['id']}"
    operation = {"op": op, "path": MANAGER} | ({"value": value} if value else {})

    answer = entra.patch(path, patch(operation))

    assert answer.status == 200
    assert answer.json.get(ENTERPRISE) == ({"manager": left} if left else None)


def test_several_operations_on_one_attribute_apply_in_turn(entra):
    path = f"/Users/{entra.post('/Users', BJENSEN).json['id']}"

    answer = entra.patch(
        path,
        patch(
            {"op": "remove", "path": "displayName"},
            {"op": "add", "path": "displayName", "value": "one"},
            {"op": "replace", "path": "displayName", "value": "two"},
        ),
    )

    assert (answer.status, answer.json["displayName"]) == (200, "two")


def test_whoever_is_not_there_cannot_be_deleted_nor_be_deleted_twice(entra):
    path = f"/Users/{entra.post('/Users', BJENSEN).json['id']}"

    assert [entra.delete(path).status for _ in range(2)] == [204, 404]
    answer = entra.delete(f"/Users/{MADE_UP}")
    assert answer.json == error(404, f"There is no User with the id '{MADE_UP}'.")
