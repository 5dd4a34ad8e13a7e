"""RFC 7644 §3.5 to §3.7: PUT, PATCH, DELETE and what Bulk adds to them.

Each test is one statement of the RFC; docs/conformance.md lists them all.
"""

import pytest

from scim.protocol import urns
from tests.support.payloads import BJENSEN, ENTERPRISE, patch

HOME = {"type": "home", "value": "babs@jensen.example"}


def op(name, path=None, value=None):
    members = {"op": name, "path": path, "value": value}
    return {key: each for key, each in members.items() if each is not None}


# --- §3.5.1 -----------------------------------------------------------------------------------


def test_a_put_replaces_values_and_ignores_what_is_read_only(at_acme, bjensen):
    sent = {
        **BJENSEN,
        "id": "7",
        "meta": {"created": "1999-01-01T00:00:00Z"},
        "groups": [{"value": "x"}],
        "name": {"givenName": "Babs"},
    }

    after = at_acme.put(f"/Users/{bjensen['id']}", sent).json

    assert after["name"] == {"givenName": "Babs"}
    assert (after["id"], after["meta"]["created"]) == (bjensen["id"], bjensen["meta"]["created"])
    assert "groups" not in after


def test_a_password_is_taken_by_put_and_never_shown(at_acme, bjensen):
    answer = at_acme.put(f"/Users/{bjensen['id']}", {**BJENSEN, "password": "t1meMa$heen"})

    assert answer.status == 200
    assert "password" not in answer.json
    assert "t1meMa$heen" not in answer.text


@pytest.mark.parametrize("name", ["userName", "externalId", "emails"])
def test_a_put_must_have_what_is_required(name, at_acme, bjensen):
    sent = {key: each for key, each in BJENSEN.items() if key != name}

    answer = at_acme.put(f"/Users/{bjensen['id']}", sent)

    assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")
    assert at_acme.get(f"/Users/{bjensen['id']}").json == bjensen


# --- §3.5.2 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"schemas": [urns.BULK_REQUEST], "Operations": [op("add", "title", "x")]},
        {"schemas": [urns.PATCH_OP]},
        {"schemas": [urns.PATCH_OP], "Operations": []},
        {"schemas": [urns.PATCH_OP], "Operations": [{"path": "title", "value": "x"}]},
        {"schemas": [urns.PATCH_OP], "Operations": [op("move", "title", "x")]},
        {"schemas": [urns.PATCH_OP], "Operations": [op("add", "title")]},
    ],
)
def test_a_patch_message_must_be_one(wrong, at_acme, bjensen):
    answer = at_acme.patch(f"/Users/{bjensen['id']}", wrong)

    assert (answer.status, answer.json["schemas"]) == (400, [urns.ERROR])
    assert at_acme.get(f"/Users/{bjensen['id']}").json == bjensen


def test_only_a_removal_needs_a_path(change):
    assert change({"op": "add", "value": {"title": "Guide"}}).json["title"] == "Guide"
    assert change({"op": "replace", "value": {"title": "Boss"}}).json["title"] == "Boss"

    refused = change({"op": "remove"})

    assert (refused.status, refused.json["scimType"]) == (400, "noTarget")


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        (op("replace", "id", "7"), "mutability"),
        (op("add", "meta.created", "1999-01-01T00:00:00Z"), "mutability"),
        (op("remove", "groups"), "mutability"),
        (op("add", "schemas", [ENTERPRISE]), "mutability"),
        (op("replace", "active", "perhaps"), "invalidValue"),
        (op("replace", "nothing", "x"), "invalidPath"),
    ],
)
def test_an_operation_that_does_not_fit_its_attribute_is_refused(operation, scim_type, change):
    answer = change(op("replace", "title", "Guide"), operation)

    assert (answer.status, answer.json["scimType"]) == (400, scim_type)
    assert answer.json["detail"]


def test_an_immutable_member_is_not_made_another_one(at_acme, bjensen, jsmith):
    members = [{"value": bjensen["id"]}]
    group = at_acme.post("/Groups", {"displayName": "Guides", "members": members}).json
    path = f'members[value eq "{bjensen["id"]}"].value'

    answer = at_acme.patch(f"/Groups/{group['id']}", patch(op("replace", path, jsmith["id"])))

    assert (answer.status, answer.json["scimType"]) == (400, "mutability")
    assert at_acme.get(f"/Groups/{group['id']}").json == group


def test_one_primary_value_at_a_time(change):
    change(op("add", "emails", [HOME]))

    emails = change(op("replace", 'emails[type eq "home"].primary', value=True)).json["emails"]

    assert [each["primary"] for each in emails] == [False, True]


def test_a_patch_is_whole_or_nothing(at_acme, bjensen, change):
    refused = change(op("add", "title", "Guide"), op("add", "emails", [HOME]), op("add", "x", "y"))

    assert (refused.status, refused.json["scimType"]) == (400, "invalidPath")
    assert at_acme.get(f"/Users/{bjensen['id']}").json == bjensen


def test_a_patch_is_answered_with_the_whole_resource(at_acme, bjensen, change):
    answer = change(op("add", "title", "Guide"))

    assert answer.status == 200
    assert answer.json == at_acme.get(f"/Users/{bjensen['id']}").json


def test_a_patch_that_asks_for_attributes_is_always_answered_with_200(at_acme):
    group = at_acme.post("/Groups", {"displayName": "Guides"}).json
    rename = patch(op("replace", "displayName", "Tour Guides"))

    answer = at_acme.patch(f"/Groups/{group['id']}?attributes=displayName", rename)

    assert (answer.status, answer.json["displayName"]) == (200, "Tour Guides")


def test_an_extension_is_named_among_the_schemas_while_it_has_values(change):
    with_it = change(op("add", f"{ENTERPRISE}:department", "Tours")).json
    without = change(op("remove", f"{ENTERPRISE}:department")).json

    assert with_it["schemas"] == [urns.USER, ENTERPRISE]
    assert without["schemas"] == [urns.USER]


# --- §3.5.2.1 ---------------------------------------------------------------------------------


def test_adding_to_a_complex_attribute_takes_sub_attributes(change):
    answer = change(op("add", "name", {"middleName": "J"}))

    assert answer.json["name"] == {**BJENSEN["name"], "middleName": "J"}


@pytest.mark.parametrize(
    "same",
    [
        op("add", "name.familyName", "Jensen"),
        op("add", "emails", [BJENSEN["emails"][0]]),
        op("replace", "active", value=True),
        op("add", value={"userName": BJENSEN["userName"]}),
        op("remove", "title"),
    ],
)
def test_a_patch_without_effect_changes_neither_version_nor_last_modified(same, bjensen, change):
    answer = change(same)

    assert (answer.status, answer.json) == (200, bjensen)
    assert answer.headers["ETag"] == bjensen["meta"]["version"]


# --- §3.5.2.2 ---------------------------------------------------------------------------------


def test_a_removed_attribute_is_unassigned(at_acme, change):
    change(op("add", value={"title": "Guide", "phoneNumbers": [{"value": "1", "type": "work"}]}))
    change(op("add", "ims", [{"value": "a", "type": "aim"}, {"value": "b", "type": "xmpp"}]))

    one_left = change(op("remove", "title"), op("remove", 'ims[type eq "aim"]')).json
    none_left = change(op("remove", 'ims[type eq "xmpp"]'), op("remove", "phoneNumbers")).json

    assert one_left["ims"] == [{"value": "b", "type": "xmpp"}]
    assert not {"title", "ims", "phoneNumbers"} & none_left.keys()
    assert at_acme.get("/Users", filter="ims pr or title pr").json["totalResults"] == 0


def test_sub_attributes_are_removed_and_what_loses_all_of_them_is_unassigned(change):
    emptied = change(op("remove", "name.formatted"), op("remove", "name.familyName")).json
    nothing = change(op("remove", "name.givenName")).json

    assert emptied["name"] == {"givenName": "Barbara"}
    assert "name" not in nothing


@pytest.mark.parametrize("path", ["userName", "externalId", "emails", 'emails[type eq "work"]'])
def test_a_required_attribute_cannot_be_removed_by_patch(path, at_acme, bjensen, change):
    answer = change(op("remove", path))

    assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")
    assert at_acme.get(f"/Users/{bjensen['id']}").json == bjensen


# --- §3.5.2.3 ---------------------------------------------------------------------------------


def test_a_replacement_of_what_is_not_there_adds_it(change):
    assert change(op("replace", "title", "Guide")).json["title"] == "Guide"
    assert change({"op": "replace", "value": {"nickName": "Babs"}}).json["nickName"] == "Babs"


def test_a_replacement_of_a_complex_attribute_takes_sub_attributes(change):
    name = change(op("replace", "name", {"givenName": "Babs", "middleName": "J"})).json["name"]

    assert name == {**BJENSEN["name"], "givenName": "Babs", "middleName": "J"}


def test_a_filter_selects_every_value_that_is_replaced(change):
    change(op("add", "ims", [{"value": "a", "type": "aim"}, {"value": "b", "type": "aim"}]))

    ims = change(op("replace", 'ims[type eq "aim"].display', "Babs")).json["ims"]

    assert [each["display"] for each in ims] == ["Babs", "Babs"]


def test_a_filter_that_selects_nothing_has_no_target(change):
    answer = change(op("replace", 'emails[value co "nobody"].display', "x"))

    assert (answer.status, answer.json["scimType"]) == (400, "noTarget")


# --- §3.6, §3.7 -------------------------------------------------------------------------------


def test_a_deleted_user_is_gone_for_every_operation(at_acme, bjensen):
    path = f"/Users/{bjensen['id']}"
    group = {"displayName": "Guides", "members": [{"value": bjensen["id"]}]}
    members = at_acme.post("/Groups", group).json["id"]

    assert at_acme.delete(path).status == 204

    title = patch(op("add", "title", "x"))
    answers = [at_acme.get(path), at_acme.put(path, BJENSEN), at_acme.patch(path, title)]
    assert [each.status for each in (*answers, at_acme.delete(path))] == [404] * 4
    assert at_acme.get("/Users").json["totalResults"] == 0
    assert at_acme.get("", filter="userName pr").json["totalResults"] == 0
    assert "members" not in at_acme.get(f"/Groups/{members}").json
    assert at_acme.post("/Users", BJENSEN).status == 201


@pytest.mark.parametrize(
    ("missing", "operation"),
    [
        ("method", {"path": "/Users", "bulkId": "a", "data": BJENSEN}),
        ("path", {"method": "POST", "bulkId": "a", "data": BJENSEN}),
        ("bulkId", {"method": "POST", "path": "/Users", "data": BJENSEN}),
        ("data", {"method": "POST", "path": "/Users", "bulkId": "a"}),
    ],
)
def test_a_bulk_operation_without_what_it_must_have_fails_alone(missing, operation, at_acme):
    good = {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"displayName": "Guides"}}

    answer = at_acme.post(
        "/Bulk", {"schemas": [urns.BULK_REQUEST], "Operations": [operation, good]}
    )

    failed, succeeded = answer.json["Operations"]
    assert answer.status == 200
    assert (failed["status"], failed["response"]["status"]) == ("400", "400")
    assert failed["response"]["detail"]
    assert (succeeded["status"], succeeded["bulkId"]) == ("201", "g")


def test_a_bulk_operation_without_operations_is_refused(at_acme):
    answer = at_acme.post("/Bulk", {"schemas": [urns.BULK_REQUEST]})

    assert (answer.status, answer.json["scimType"]) == (400, "invalidSyntax")
