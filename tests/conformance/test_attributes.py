"""Multi-valued attributes of the core schema that no mapping of Entra's uses by default.

RFC 7643 §4.1.2, §2.4, §8.7.1: each is created, found, added to, replaced, removed and put.
"""

import json

import pytest

from tests.support.payloads import BJENSEN, user

ONE = {
    "roles": {"value": "guide", "display": "Tour guide", "type": "work"},
    "entitlements": {"value": "printer", "display": "Printer", "type": "work"},
    "x509Certificates": {"value": "Zmlyc3Q=", "display": "Signing", "type": "work"},
    "photos": {"value": "https://photos.example/1.jpg", "display": "Face", "type": "photo"},
    "ims": {"value": "bjensen", "display": "Chat", "type": "xmpp"},
}
OTHER = {
    "roles": {"value": "cook", "type": "home"},
    "entitlements": {"value": "car", "type": "home"},
    "x509Certificates": {"value": "c2Vjb25k", "type": "home"},
    "photos": {"value": "https://photos.example/2.jpg", "type": "thumbnail"},
    "ims": {"value": "babs", "type": "aim"},
}
ATTRIBUTES = sorted(ONE)
each_attribute = pytest.mark.parametrize("name", ATTRIBUTES)


def op(name, path, value=None):
    return {"op": name, "path": path} | ({} if value is None else {"value": value})


def of_type(name, value):
    return f'{name}[type eq "{value[name]["type"]}"]'


@pytest.fixture
def holder(at_acme):
    """`holder(name)`: a user with one value of the attribute."""
    return lambda name: at_acme.post("/Users", {**BJENSEN, name: [ONE[name]]}).json


@pytest.fixture
def change(at_acme):
    def send(identifier, *operations):
        answer = at_acme.patch(f"/Users/{identifier}", {"Operations": list(operations)})
        assert answer.status == 200, answer.text
        return answer.json

    return send


@each_attribute
def test_it_is_created_and_read_as_it_was_sent(name, at_acme, holder):
    created = holder(name)

    assert created[name] == [ONE[name]]
    assert at_acme.get(f"/Users/{created['id']}").json == created


@each_attribute
def test_it_is_found_by_each_of_its_parts(name, at_acme, holder):
    created = holder(name)
    at_acme.post("/Users", user("other", **{name: [OTHER[name]]}))

    for part, value in ONE[name].items():
        page = at_acme.get("/Users", filter=f"{name}.{part} eq {json.dumps(value)}").json
        assert page["Resources"] == [created]
    both = f"{of_type(name, ONE)[:-1]} and value eq {json.dumps(ONE[name]['value'])}]"
    assert at_acme.get("/Users", filter=both).json["Resources"] == [created]
    assert at_acme.get("/Users", filter=f"{name} pr").json["totalResults"] == 2


@each_attribute
def test_values_are_added_beside_those_that_are_there(name, holder, change):
    created = holder(name)

    after = change(created["id"], op("add", name, [OTHER[name]]))

    assert after[name] == [ONE[name], OTHER[name]]
    again = change(created["id"], op("add", name, [OTHER[name], ONE[name]]))
    assert (again[name], again["meta"]) == (after[name], after["meta"])


@each_attribute
def test_a_value_that_a_filter_selects_is_replaced_and_removed(name, holder, change):
    created = holder(name)
    change(created["id"], op("add", name, [OTHER[name]]))

    renamed = change(created["id"], op("replace", f"{of_type(name, OTHER)}.display", "Other"))
    left = change(created["id"], op("remove", of_type(name, ONE)))
    none = change(created["id"], op("remove", of_type(name, OTHER)))

    assert renamed[name] == [ONE[name], {**OTHER[name], "display": "Other"}]
    assert left[name] == [{**OTHER[name], "display": "Other"}]
    assert name not in none


@each_attribute
def test_a_replacement_without_a_filter_and_a_put_leave_what_they_name(
    name, at_acme, holder, change
):
    created = holder(name)

    replaced = change(created["id"], op("replace", name, [OTHER[name]]))
    put = at_acme.put(f"/Users/{created['id']}", {**BJENSEN, name: [ONE[name], OTHER[name]]}).json
    emptied = at_acme.put(f"/Users/{created['id']}", {**BJENSEN, name: []}).json

    assert replaced[name] == [OTHER[name]]
    assert put[name] == [ONE[name], OTHER[name]]
    assert name not in emptied


@each_attribute
def test_values_of_one_type_and_value_are_one(name, at_acme):
    """RFC 7643 §2.4; the later completes the earlier."""
    value = {part: ONE[name][part] for part in ("type", "value")}

    created = at_acme.post("/Users", {**BJENSEN, name: [value, ONE[name], value]}).json

    assert created[name] == [ONE[name]]


@each_attribute
def test_one_value_is_primary_at_a_time(name, at_acme, holder, change):
    created = holder(name)
    change(created["id"], op("add", name, [{**OTHER[name], "primary": True}]))

    after = change(created["id"], op("replace", f"{of_type(name, ONE)}.primary", value=True))

    assert [each["primary"] for each in after[name]] == [True, False]
    two = [{**ONE[name], "primary": True}, {**OTHER[name], "primary": True}]
    refused = at_acme.post("/Users", user("two", **{name: two}))
    assert (refused.status, refused.json["scimType"]) == (400, "invalidValue")


# --- Entra's roles ----------------------------------------------------------------------------


@pytest.mark.quirk("E16")
@pytest.mark.parametrize("operation", ["Add", "add", "replace"])
def test_entra_sends_a_role_as_json_in_the_text_of_its_value(operation, at_acme, bjensen, change):
    """AppRoleAssignmentsComplex adds, AssertiveAppRoleAssignmentsComplex replaces."""
    role = {"id": "8774f594-1d31-4b0c-9e0c-d6e4d3a1d1bb", "value": "Admin", "displayName": "Boss"}
    sent = [{"value": json.dumps(role)}]

    after = change(bjensen["id"], op(operation, "roles", sent))

    assert after["roles"] == [{"value": "Admin", "display": "Boss"}]
    assert at_acme.get("/Users", filter='roles.value eq "admin"').json["Resources"] == [after]
    assert at_acme.get("/Users", filter='roles[display eq "Boss"]').json["totalResults"] == 1
