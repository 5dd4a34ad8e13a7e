"""Redaction of requests in the log when attributes are secret, wherever their values stand.

The marker stands for a secret value: it is never in what is kept.
"""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scim.protocol.definitions import GROUP, USER
from scim.protocol.differences import Change
from scim.protocol.redaction import REDACTED, Redaction
from scim.protocol.schema import Extension
from tests.support.payloads import BJENSEN, patch
from tests.support.schemas import ACME, SECRETS, schema

MARKER = "hunter2"
SCHEMA = schema(ACME, *SECRETS)
PERSON = replace(USER, extensions=(*USER.extensions, Extension(SCHEMA)))
READ = Redaction((PERSON, GROUP))


def operation(**members):
    return patch({"op": "add", **members})


def only(message):
    return message["Operations"][0]


# --- bodies -----------------------------------------------------------------------------------


def test_a_body_without_secrets_is_kept_as_it_came():
    assert READ.body(BJENSEN, "User") == BJENSEN


@pytest.mark.parametrize(
    "body",
    [
        {"password": MARKER},
        {"PassWord": MARKER},
        {"pin": MARKER},
        {"PIN": [MARKER]},
        {ACME: {"pin": MARKER}},
        {ACME.upper(): {"Pin": MARKER}},
        {f"{ACME}:pin": MARKER},
        {f"{ACME}.pin": MARKER},
        {ACME: {"hash": {"value": MARKER}}},
        {ACME: {"answers": ["a", MARKER]}},
        {ACME: {"safe": {"floor": MARKER}}},
        {f"{ACME}:safe.floor": MARKER},
        {ACME: {"vault": [{"type": "a", "code": MARKER}]}},
        {ACME: {"vault": {"CODE": MARKER}}},
        {ACME: {"vault.code": MARKER}},
        {'vault[type eq "a"].code': MARKER},
        {f'vault[code eq "{MARKER}"].type': "a"},
        {f'{ACME}:vault[type eq "a" and code eq "{MARKER}"].value': "a"},
        {ACME: {"locker": MARKER}},
        {ACME: {"locker": {"value": MARKER, "floor": "2"}}},
        {ACME: MARKER},
        {ACME: [MARKER]},
    ],
)
def test_no_spelling_of_a_secret_attribute_keeps_its_value(body):
    kept = READ.body({"userName": "bjensen", **body}, "User")

    assert MARKER not in json.dumps(kept)
    assert kept["userName"] == "bjensen"


@pytest.mark.parametrize(
    "body",
    [
        {"pasword": MARKER},
        {"Passwort": MARKER},
        {"pin_code": MARKER},
        {"pin ": MARKER},
        {"urn:example:2.0:User": {"pin": MARKER}},
        {"urn:example:2.0:User:pin": MARKER},
        {ACME: {"pinn": MARKER}},
        {ACME: {"vault": [{"cod": MARKER}]}},
        {"name": {"password": MARKER}},
        {"emails": [{"type": "work", "secret": MARKER}]},
        {"displayName": {"password": MARKER}},
        {"user": {"password": MARKER}},
        {f"password {MARKER}": "x"},
        {f"pin={MARKER}": "x"},
    ],
)
def test_unknown_attributes_are_kept_by_name_only(body):
    """A misspelt password is a password."""
    assert MARKER not in json.dumps(READ.body(body, "User"))


def test_a_redacted_value_is_marked_and_an_empty_one_stays():
    body = {"pin": None, "nickname2": "", "x": [], "shoeSize": 42, ACME: {"badge": "7", "pin": "1"}}

    assert READ.body(body, "User") == {
        "pin": None,
        "nickname2": "",
        "x": [],
        "shoeSize": REDACTED,
        ACME: {"badge": "7", "pin": REDACTED},
    }


def test_json_in_a_text_is_read_too():
    """E16: Entra describes a role by JSON in its value."""
    roles = [{"value": json.dumps({"value": "Admin", "displayName": "A", "pin": MARKER})}]
    broken = [{"value": f'{{"value": "Admin", "pin": "{MARKER}'}]

    assert READ.body({"roles": roles}, "User") == {
        "roles": [{"value": json.dumps({"value": "Admin", "displayName": "A", "pin": REDACTED})}]
    }
    assert READ.body({"roles": broken}, "User") == {"roles": [{"value": REDACTED}]}
    assert READ.body(json.dumps({"password": MARKER}), "User") == REDACTED


@pytest.mark.parametrize(
    "text", ["[" * 900 + "]" * 900, '{"a":' * 500 + "1" + "}" * 500, "[1e999]"]
)
def test_a_text_that_no_reader_of_json_takes_is_a_text(text):
    deep = text.replace("1", json.dumps({"pin": MARKER}))

    assert READ.body({"displayName": text}, "User") == {"displayName": text}
    assert MARKER not in json.dumps(READ.body({"displayName": deep}, "User"))


def test_a_name_that_is_secret_in_one_type_is_read_by_the_type_that_is_asked_for():
    desk = schema("urn:ietf:params:scim:schemas:extension:acme:2.0:Group", {"name": "pin"})
    both = Redaction((PERSON, replace(GROUP, extensions=(Extension(desk),))))

    assert both.body({"pin": "7"}, "Group") == {"pin": "7"}
    assert both.body({"pin": "7"}, "User") == {"pin": REDACTED}
    assert both.body({"pin": "7"}) == {"pin": REDACTED}


# --- PATCH ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        operation(path="password", value=MARKER),
        operation(path="PIN", value=MARKER),
        operation(path=f"{ACME}:pin", value=[{"value": MARKER}]),
        operation(path=ACME, value={"pin": MARKER}),
        operation(path="vault", value=[{"code": MARKER}]),
        operation(path="vault.code", value=MARKER),
        operation(path=f'{ACME}:vault[type eq "a"].code', value=MARKER),
        operation(path=f'vault[code eq "{MARKER}"].type', value="a"),
        operation(path=f"vault[code eq {MARKER}].type", value="a"),
        operation(path="locker", value=MARKER),
        operation(value={"pin": MARKER}),
        operation(value={f"{ACME}:vault.code": MARKER}),
        operation(value=MARKER),
        operation(path="", value=MARKER),
        operation(path=7, value=MARKER),
        operation(path="pinn", value=MARKER),
        operation(path=f"pin eq {MARKER}", value="x"),
        operation(path=f'members[pin eq "{MARKER}"', value="x"),
        operation(path="title", valeu=MARKER),
        {"Operations": [MARKER]},
        {"Operations": {"op": "add", "path": "pin", "value": MARKER}},
        {"operations": [{"OP": "add", "PATH": "Pin", "VALUE": MARKER}]},
        {"Operations": [], "password": MARKER},
    ],
)
def test_no_shape_of_a_patch_keeps_a_secret_value(message):
    assert MARKER not in json.dumps(READ.body(message, "User"))


@pytest.mark.parametrize(
    "message",
    [
        patch({"op": "Replace", "path": 'emails[type eq "work"].value', "value": "x@acme.example"}),
        patch({"op": "Add", "path": "manager", "value": "5"}),
        patch({"op": "add", "path": "name", "value": {"givenName": "B"}}),
        patch({"op": "replace", "value": {"title": "Guide", "name.familyName": "J"}}),
        patch({"op": "remove", "path": "roles", "value": [{"value": "a"}]}),
        patch({"op": "Replace", "path": "active", "value": "False"}),
    ],
)
def test_a_patch_without_secrets_is_kept_as_it_came(message):
    assert READ.body(message, "User") == message


def test_members_of_a_group_are_kept():
    message = patch({"op": "remove", "path": 'members[value eq "5"]'})

    assert READ.body(message, "Group") == message


# --- bulk -------------------------------------------------------------------------------------


def test_each_operation_of_a_bulk_is_read_by_its_own_type():
    message = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "failOnErrors": 1,
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "q", "data": {"pin": "1", "title": "T"}},
            {"method": "PATCH", "path": "/Users/7", "data": operation(path="pin", value=MARKER)},
            {"method": "PUT", "path": "/Groups/7", "data": {"displayName": "T", "pin": MARKER}},
            {"method": "POST", "path": "/Nowhere", "data": {"title": "T", "pin": MARKER}},
            {"method": "DELETE", "path": f'/Users/7?filter=pin eq "{MARKER}"', "version": 'W/"1"'},
        ],
    }

    kept = READ.body(message)

    assert MARKER not in json.dumps(kept)
    create, change, replacement, nowhere, deletion = kept["Operations"]
    assert create == message["Operations"][0] | {"data": {"pin": REDACTED, "title": "T"}}
    assert only(change["data"]) == {"op": "add", "path": "pin", "value": REDACTED}
    assert replacement["data"] == {"displayName": "T", "pin": REDACTED}
    assert nowhere["data"] == {"title": "T", "pin": REDACTED}
    assert deletion == {"method": "DELETE", "path": "/Users/7?…", "version": 'W/"1"'}
    assert kept["failOnErrors"] == 1


# --- queries ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f'pin eq "{MARKER}"',
        f'PIN eq "{MARKER}"',
        f'password co "{MARKER}"',
        f'{ACME}:pin sw "{MARKER}"',
        f'userName eq "b" and not (hash eq "{MARKER}")',
        f'vault[type eq "a" and code eq "{MARKER}"]',
        f'vault[type eq "a"].code eq "{MARKER}"',
        f'vault.code eq "{MARKER}"',
        f'locker eq "{MARKER}"',
        f'safe.floor eq "{MARKER}"',
        f'safe[floor eq "{MARKER}"]',
        f'pinn eq "{MARKER}"',
        f'emails[pin eq "{MARKER}"]',
        # Not parseable:
        f"pin eq {MARKER}",
        f"pin eq x {MARKER}",
        f'pin eq "{MARKER}',
        f'userName eq "a" or pin eq "{MARKER}',
        f'pin "{MARKER}"',
        f"pin='{MARKER}'",
        f"pin eq '{MARKER} {MARKER}'",
        f'userName eq "a" {MARKER}',
        f'"{MARKER}"',
        MARKER,
        f"pin%20eq%20%22{MARKER}%22",
        f"pin {MARKER}",
        f"pin eq ({MARKER})",
        f"[{MARKER}]",
    ],
)
def test_no_filter_keeps_what_a_secret_attribute_is_compared_with(text):
    assert MARKER not in READ.query({"filter": text}, "User")["filter"]


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "bjensen"',
        "userName eq bjensen",
        "userName eq 'Barbara Jensen' or active eq true",
        'emails[type eq "work"].value eq "x@acme.example"',
        'emails[type eq "work" and value co "@acme.example"] or active eq true',
        f'{ACME}:badge pr and not (vault[type eq "a"])',
        'meta.lastModified gt "2011-05-13T04:42:34Z"',
        'manager eq "7" or groups.value eq "7"',
        'schemas eq "urn:x"',
        "(",
        "",
    ],
)
def test_a_filter_without_secrets_is_kept_as_it_came(text):
    assert READ.query({"filter": text}, "User") == {"filter": text}


def test_of_the_other_parameters_words_are_kept_and_unknown_ones_by_name():
    sent = {
        "sortBy": "name.familyName",
        "sortOrder": "descending",
        "startIndex": "1",
        "count": 5,
        "attributes": ["userName", "emails"],
        "excludedAttributes": "userName,emails",
        "cursor": "…",
        "aadOptscim062020": "",
    }

    assert READ.query(sent | {"pin": MARKER, "apikey": MARKER}) == sent | {
        "pin": REDACTED,
        "apikey": REDACTED,
    }


# --- the past ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        (f"{ACME}:pin", "1", REDACTED),
        (f"{ACME}:hash", None, None),
        (f'{ACME}:vault[type eq "a"].code', "1", REDACTED),
        (f"{ACME}:locker.value", "1", REDACTED),
        (f"{ACME}:safe.floor", "1", REDACTED),
        (f"{ACME}:vault", [{"code": "1", "type": "a"}], [{"code": REDACTED, "type": "a"}]),
        ("userName", "b", "b"),
        ("shoeSize", 42, 42),
        ("urn:gone:2.0:User:x", "1", "1"),
        ("no path at all", "1", "1"),
    ],
)
def test_the_past_is_shown_without_what_is_secret_and_with_what_is_merely_unknown(
    path, value, shown
):
    assert READ.value(path, value, "User") == shown


def test_a_path_of_the_past_does_not_show_what_it_selects_by():
    path = f'{ACME}:vault[code eq "1"].value'

    assert READ.path(path, "User") == f'{ACME}:vault[code eq "{REDACTED}"].value'
    assert READ.path('emails[type eq "work"].value', "User") == 'emails[type eq "work"].value'


def test_changes_of_the_past_are_replayed_without_what_is_secret():
    changes = [
        Change(f"{ACME}:pin", None, "1"),
        Change(f"{ACME}:vault", None, [{"code": "1"}]),
        Change(f"{ACME}:vault", [{"code": "1"}], [{"code": "1", "type": "a"}]),
        Change("title", None, "Guide"),
    ]

    assert READ.readable(changes, "User") == [
        Change(f"{ACME}:vault", None, [{"type": "a"}]),
        Change("title", None, "Guide"),
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(MARKER),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["pin", "vault", "Operations", "path", "value", "op", "data", ACME, "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
@example({"Operations": [{"path": False}]})
def test_whatever_comes_is_read_and_what_was_kept_is_kept_again(sent):
    for read in (READ.body, READ.query):
        kept = read(sent, "User")
        json.dumps(kept)
        assert read(kept, "User") == kept


@given(st.text(max_size=40), st.sampled_from(["pin", "vault[code", f"{ACME}:hash"]))
def test_whatever_stands_behind_the_name_of_a_secret_attribute_is_left_out(text, name):
    kept = READ.query({"filter": f"{name} eq {json.dumps(f'{MARKER}{text}')}"}, "User")

    assert MARKER not in kept["filter"]
