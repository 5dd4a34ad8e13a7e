"""PATCH as RFC 7644 §3.5.2 has it; what Entra sends beyond it is in test_patch_entra.py."""

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import patch, urns
from scim.protocol.definitions import USER
from scim.protocol.errors import (
    ContentTooLarge,
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    ScimError,
)
from scim.protocol.patch import Op, Operation
from scim.protocol.schema import Attribute, ResourceType, Schema, Type
from scim.protocol.schema import Mutability as Mutable
from scim.protocol.values import read_resource

WORK = {"type": "work", "value": "bjensen@example.com", "primary": True}
HOME = {"type": "home", "value": "babs@jensen.org"}
OFFICE = {"type": "work", "streetAddress": "100 Universal City Plaza", "locality": "Hollywood"}

BJENSEN: dict[str, Any] = {
    "externalId": "701984",
    "userName": "bjensen",
    "name": {"familyName": "Jensen", "givenName": "Barbara"},
    "active": True,
    "emails": [WORK, HOME],
    "addresses": [OFFICE],
    urns.ENTERPRISE_USER: {"department": "Tours", "manager": {"value": "26118915"}},
}


def message(*operations: Any) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


def patched(*operations: dict[str, Any], resource: dict[str, Any] = BJENSEN) -> dict[str, Any]:
    """The resource after the operations; it is canonical, and the one before is as it was."""
    before = copy.deepcopy(resource)
    after = patch.apply(USER, resource, patch.read_request(message(*operations))).resource
    assert resource == before
    assert read_resource(USER, after).resource == after
    return after


def add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def remove(path: str) -> dict[str, Any]:
    return {"op": "remove", "path": path}


def test_operations_apply_one_after_the_other():
    after = patched(
        remove("emails"),
        add("emails", [{"value": "b@example.com"}]),
        replace('emails[value eq "b@example.com"].type', "work"),
        replace("displayName", "Babs"),
        replace("displayName", "Babs Jensen"),
    )

    assert after == {
        **BJENSEN,
        "emails": [{"value": "b@example.com", "type": "work"}],
        "displayName": "Babs Jensen",
    }


def test_a_patch_that_changes_nothing_gives_an_equal_resource():
    after = patched(
        replace("userName", "bjensen"),
        add("emails", [HOME]),
        replace('emails[type eq "work"].value', "bjensen@example.com"),
        replace("name", {"givenName": "Barbara"}),
        remove("nickName"),
    )

    assert after == BJENSEN


# --- add (§3.5.2.1) ---------------------------------------------------------------------------


def test_add_without_a_path_adds_each_attribute():
    """The RFC's example."""
    after = patched({"op": "add", "value": {"emails": [{"value": "b@x.org"}], "nickname": "Babs"}})

    assert after == {**BJENSEN, "emails": [WORK, HOME, {"value": "b@x.org"}], "nickName": "Babs"}


def test_add_replaces_the_value_of_a_single_valued_attribute():
    assert patched(add("userName", "babs")) == {**BJENSEN, "userName": "babs"}


def test_add_to_a_complex_attribute_keeps_what_is_not_sent():
    after = patched(add("name", {"middleName": "Jane", "givenName": "Babs"}))

    assert after["name"] == {"familyName": "Jensen", "givenName": "Babs", "middleName": "Jane"}


def test_add_completes_the_value_that_is_there_already():
    after = patched(
        add("emails", [{"value": "BABS@jensen.org", "display": "Babs"}]),
        add("addresses", {"type": "Work", "locality": "Hollywood"}),
    )

    assert after == {
        **BJENSEN,
        "emails": [WORK, {"type": "home", "value": "BABS@jensen.org", "display": "Babs"}],
        "addresses": [{**OFFICE, "type": "Work"}],
    }


def test_add_of_another_type_with_the_same_value_is_a_new_value():
    other = {"type": "other", "value": "babs@jensen.org"}

    assert patched(add("emails", [other]))["emails"] == [WORK, HOME, other]


def test_a_new_primary_value_switches_the_former_one_off():
    """§3.5.2: setting primary to true sets it to false for all others."""
    not_primary = {**WORK, "primary": False}
    new = {"value": "b@example.com", "primary": True}

    assert patched(add("emails", [new]))["emails"] == [not_primary, HOME, new]
    assert patched(replace('emails[type eq "home"].primary', True))["emails"] == [
        not_primary,
        {**HOME, "primary": True},
    ]
    assert patched(add('emails[type eq "home"]', {"primary": True}))["emails"] == [
        not_primary,
        {**HOME, "primary": True},
    ]


def test_more_than_one_primary_value_in_one_operation_is_refused():
    both = [{"value": "a", "primary": True}, {"value": "b", "primary": True}]

    for operation in (add("emails", both), replace("emails.primary", True)):
        with pytest.raises(InvalidValue) as caught:
            patched(operation)
        assert caught.value.detail == "emails has more than one value whose primary is true."


def test_add_of_nothing_to_an_array_changes_nothing():
    assert patched(add("emails", []), add('emails[type eq "work"]', None)) == BJENSEN


# --- replace (§3.5.2.3) -----------------------------------------------------------------------


def test_replace_without_a_path_replaces_each_attribute():
    """The RFC's example."""
    emails = [{"value": "bjensen@example.com", "type": "work", "primary": True}]

    after = patched({"op": "replace", "value": {"emails": emails, "nickname": "Babs"}})

    assert after == {**BJENSEN, "emails": emails, "nickName": "Babs"}


def test_replace_of_a_complex_attribute_keeps_what_is_not_sent():
    after = patched(replace("name", {"givenName": "Babs", "familyName": None}))

    assert after["name"] == {"givenName": "Babs"}


def test_replace_of_a_multi_valued_attribute_replaces_all_its_values():
    assert patched(replace("emails", [HOME]))["emails"] == [HOME]


def test_replace_of_a_selected_value_replaces_all_of_it_but_what_selects_it():
    """The RFC's example of the whole work address."""
    address = {"streetAddress": "911 Universal City Plaza", "region": "CA", "primary": True}

    after = patched(replace('addresses[type eq "work"]', address))

    assert after["addresses"] == [{"type": "work", **address}]


def test_replace_of_a_part_of_the_selected_values_keeps_the_rest():
    after = patched(replace('addresses[type eq "work"].streetAddress', "1010 Broadway Ave"))

    assert after["addresses"] == [{**OFFICE, "streetAddress": "1010 Broadway Ave"}]


def test_a_part_of_an_array_is_a_part_of_each_value():
    after = patched(replace("emails.display", "Babs"), replace("phoneNumbers.value", "555"))

    assert after["emails"] == [{**WORK, "display": "Babs"}, {**HOME, "display": "Babs"}]
    assert after["phoneNumbers"] == [{"value": "555"}]


def test_values_that_become_the_same_are_one():
    """RFC 7643 §2.4."""
    after = patched(
        replace('emails[type eq "home"]', {"value": "BJENSEN@example.com", "type": "work"}),
    )

    assert after["emails"] == [{"type": "work", "value": "BJENSEN@example.com", "primary": True}]


def test_a_filter_may_select_by_any_comparison():
    after = patched(
        replace('emails[type ne "work" and not (value co "example")].display', "Private"),
        remove('emails[primary eq true or value ew ".com"].primary'),
    )

    assert after["emails"] == [
        {"type": "work", "value": "bjensen@example.com"},
        {**HOME, "display": "Private"},
    ]


@pytest.mark.parametrize(
    "path",
    [
        'emails[type ne "work" and type ne "home"].value',
        'emails[type eq "other" or type eq "home" and primary eq true].value',
        'emails[type eq "other" and type eq "fax"].value',
        "emails[not (type pr)].value",
        'emails[type eq "other" and display eq null].value',
        'emails[type eq ""]',
    ],
)
def test_a_filter_that_describes_no_value_and_matches_none_has_no_target(path):
    with pytest.raises(NoTarget) as caught:
        patched(replace(path, "x@example.com"))

    assert caught.value.detail == "No value of emails matches the filter of the path."


def test_clearing_what_no_filter_matches_changes_nothing():
    assert patched(replace('emails[type ne "work" and type ne "home"].value', None)) == BJENSEN


# --- remove (§3.5.2.2) ------------------------------------------------------------------------


def test_remove_unassigns_what_the_path_addresses():
    after = patched(
        remove("externalId"),
        remove("name.givenName"),
        remove('emails[type eq "work" and value ew "example.com"]'),
        remove('addresses[type eq "work"].locality'),
        remove(f"{urns.ENTERPRISE_USER}:department"),
        remove("active"),
    )

    assert after == {
        "userName": "bjensen",
        "name": {"familyName": "Jensen"},
        "emails": [HOME],
        "addresses": [{"type": "work", "streetAddress": "100 Universal City Plaza"}],
        urns.ENTERPRISE_USER: {"manager": {"value": "26118915"}},
    }


def test_what_loses_its_last_part_is_unassigned():
    after = patched(
        remove("name.givenName"),
        remove("name.familyName"),
        remove("emails.value"),
        remove("addresses"),
        remove(urns.ENTERPRISE_USER),
    )

    assert after == {"externalId": "701984", "userName": "bjensen", "active": True}


def test_remove_without_a_path_has_no_target():
    with pytest.raises(NoTarget) as caught:
        patched({"op": "remove", "value": {"emails": [WORK]}})

    assert caught.value.detail == "A remove operation must have a path."


def test_remove_of_the_whole_core_has_no_target():
    with pytest.raises(NoTarget) as caught:
        patched(remove(urns.USER))

    assert caught.value.detail == f"{urns.USER} cannot be removed; name one of its attributes."


# --- paths (§3.10) ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["NAME.givenname", f"{urns.USER}:name.givenName", f"{urns.USER.upper()}:Name.GivenName"],
)
def test_paths_are_read_in_any_letter_case_with_or_without_the_urn(path):
    assert patched(replace(path, "Babs"))["name"] == {"familyName": "Jensen", "givenName": "Babs"}


@pytest.mark.parametrize("path", [urns.ENTERPRISE_USER, None])
def test_an_extension_is_patched_through_its_urn(path):
    extension = {"department": "Sales", "costCenter": "4130", "manager": {"value": "9"}}
    value = extension if path else {urns.ENTERPRISE_USER: extension}

    after = patched({"op": "replace", "path": path, "value": value})

    assert after == {**BJENSEN, urns.ENTERPRISE_USER: extension}


def test_an_extension_keeps_what_is_not_sent_and_goes_with_null():
    kept = patched({"op": "replace", "value": {urns.ENTERPRISE_USER: {}, urns.USER: None}})
    gone = patched({"op": "replace", "value": {urns.ENTERPRISE_USER: None}})

    assert kept == BJENSEN
    assert gone == {k: v for k, v in BJENSEN.items() if k != urns.ENTERPRISE_USER}


def test_another_manager_does_not_keep_the_reference_to_the_former_one():
    reference = {"value": "1", "$ref": "../Users/1"}
    resource = {"userName": "b", urns.ENTERPRISE_USER: {"manager": reference}}
    path = f"{urns.ENTERPRISE_USER}:manager"

    same = patched(replace(path, {"value": "1"}), resource=resource)
    other = patched(replace(f"{path}.value", "2"), resource=resource)
    both = patched(replace(path, {"$ref": "../Users/2"}), resource=resource)

    assert same == resource
    assert other[urns.ENTERPRISE_USER] == {"manager": {"value": "2"}}
    assert both[urns.ENTERPRISE_USER] == {"manager": {"value": "2", "$ref": "../Users/2"}}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("shoeSize", "shoeSize"),
        ("name.maidenName", "name.maidenName"),
        ('emails[value eq "b@x.org"].colour', "emails[…].colour"),
        ("urn:example:Car:wheels", "urn:example:Car:wheels"),
        ("urn:example:params:2.0:Car", "urn:example:params:2.0:Car"),
    ],
)
def test_a_path_to_an_unknown_attribute_is_refused(path, shown):
    with pytest.raises(InvalidPath) as caught:
        patched(replace(path, "x"))

    assert caught.value.detail == f"{shown} is not an attribute of User."


def test_a_filter_on_a_simple_attribute_is_refused():
    with pytest.raises(InvalidPath) as caught:
        patched(replace('userName[value eq "x"]', "x"))

    assert caught.value.detail == "userName has no sub-attributes to select its values by."


def test_a_filter_on_an_unknown_sub_attribute_is_refused_though_there_is_no_value():
    with pytest.raises(InvalidFilter):
        patched(replace('photos[colour eq "red"].value', "x"))


@pytest.mark.parametrize("path", ["", "emails[", "emails[type eq]", "1", "name..givenName"])
def test_a_path_that_cannot_be_read_is_refused(path):
    with pytest.raises(InvalidPath):
        patched(replace(path, "x"))


# --- mutability (RFC 7643 §7) -----------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "id",
        "meta",
        "meta.created",
        "schemas",
        "groups",
        "groups.value",
        f"{urns.ENTERPRISE_USER}:manager.displayName",
    ],
)
@pytest.mark.parametrize("op", ["add", "replace", "remove"])
def test_a_path_to_what_cannot_be_written_is_refused(op, path):
    with pytest.raises(Mutability) as caught:
        patched({"op": op, "path": path, "value": "x"})

    assert caught.value.detail == f"{path} is read-only."


def test_a_password_is_discarded_and_noted_without_its_value():
    operations = patch.read_request(
        message(replace("password", "t1meMa$heen"), {"op": "add", "value": {"password": "x"}}),
    )

    applied = patch.apply(USER, BJENSEN, operations)

    assert applied.resource == BJENSEN
    assert applied.notes == ("Ignored write-only attribute password.",)


def test_an_operation_with_nothing_but_what_is_ignored_changes_nothing():
    after = patched(
        replace(f"{urns.ENTERPRISE_USER}:manager", {"displayName": "John Smith"}),
        replace('emails[type eq "work"]', {"colour": "red"}),
    )

    assert after == BJENSEN


_IMMUTABLE = ResourceType(
    "Ticket",
    "/Tickets",
    "Has immutable attributes, which a User has not.",
    Schema(
        "urn:example:Ticket",
        "Ticket",
        "",
        (
            Attribute("number", mutability=Mutable.IMMUTABLE),
            Attribute(
                "holders",
                Type.COMPLEX,
                multi_valued=True,
                mutability=Mutable.IMMUTABLE,
                sub_attributes=(Attribute("value"),),
            ),
            Attribute(
                "seats",
                Type.COMPLEX,
                multi_valued=True,
                sub_attributes=(Attribute("value", mutability=Mutable.IMMUTABLE),),
            ),
            Attribute("tags", multi_valued=True),
        ),
    ),
)


def apply_to_ticket(resource: dict[str, Any], *operations: dict[str, Any]) -> dict[str, Any]:
    return patch.apply(_IMMUTABLE, resource, patch.read_request(message(*operations))).resource


def test_an_immutable_attribute_is_given_a_value_once():
    """§3.5.2: a client may add a value to an immutable attribute that has none."""
    ticket = apply_to_ticket(
        {},
        add("number", "7"),
        add("number", "7"),
        add("seats", [{"value": "12A"}]),
        add("holders.value", "b"),
    )

    assert ticket == {"number": "7", "seats": [{"value": "12A"}], "holders": [{"value": "b"}]}
    for operation, name in (
        (replace("number", "8"), "number"),
        (remove("number"), "number"),
        (remove("holders"), "holders"),
        (replace('seats[value eq "12A"].value', "12B"), "seats.value"),
    ):
        with pytest.raises(Mutability) as caught:
            apply_to_ticket(ticket, operation)
        assert caught.value.detail == f"{name} cannot be changed once it has a value."


def test_an_array_of_simple_values_is_patched_as_a_whole():
    ticket = apply_to_ticket(
        {},
        add("tags", ["red", "Blue"]),
        add("tags", "blue"),
        add("tags", ["green"]),
        {"op": "remove", "path": "tags", "value": ["RED"]},
    )

    assert ticket == {"tags": ["blue", "green"]}
    assert apply_to_ticket({}, {"op": "remove", "path": "tags", "value": ["red"]}) == {}


# --- the message ------------------------------------------------------------------------------


def test_the_message_is_read_into_operations():
    operations = patch.read_request(
        message(
            {"op": "add", "path": "nickName", "value": "Babs"},
            {"op": "replace", "value": {"active": False}},
            {"op": "remove", "path": "title"},
        ),
    )

    assert operations == (
        Operation(Op.ADD, "nickName", "Babs"),
        Operation(Op.REPLACE, None, {"active": False}),
        Operation(Op.REMOVE, "title", None),
    )


_OPERATION = {"op": "add", "path": "nickName", "value": "Babs"}


@pytest.mark.parametrize(
    ("body", "error", "detail"),
    [
        (None, InvalidSyntax, "The body must be a JSON object, a PatchOp message."),
        ([], InvalidSyntax, "The body must be a JSON object, a PatchOp message."),
        ({}, InvalidSyntax, "Operations must be an array of at least one operation."),
        (message(), InvalidSyntax, "Operations must be an array of at least one operation."),
        (
            {"schemas": [urns.PATCH_OP], "Operations": _OPERATION},
            InvalidSyntax,
            "Operations must be an array of at least one operation.",
        ),
        (
            {"schemas": [urns.USER], "Operations": [_OPERATION]},
            InvalidSyntax,
            f"schemas must name {urns.PATCH_OP}.",
        ),
        (
            {"schemas": 1, "Operations": [_OPERATION]},
            InvalidSyntax,
            f"schemas must name {urns.PATCH_OP}.",
        ),
        (message("add"), InvalidSyntax, "Each of Operations must be an object."),
        (
            message({"op": "move", "path": "a"}),
            InvalidSyntax,
            "op must be add, replace or remove; the request has move.",
        ),
        (message({"path": "a"}), InvalidSyntax, "op must be add, replace or remove."),
        (message({"op": 1}), InvalidSyntax, "op must be add, replace or remove."),
        (message({**_OPERATION, "path": 1}), InvalidPath, "path must be a string."),
        (
            message({"op": "add", "path": "nickName"}),
            InvalidValue,
            "The add operation must have a value.",
        ),
        (
            message({"op": "replace", "value": [1]}),
            InvalidValue,
            "The value of the replace operation must be an object without a path.",
        ),
        (
            message(*[_OPERATION] * 1_001),
            ContentTooLarge,
            "A PATCH may have at most 1000 operations.",
        ),
        (
            message(*[{**_OPERATION, "path": "n" * 1_000}] * 132),
            ContentTooLarge,
            "The paths of a PATCH may have at most 131072 characters.",
        ),
    ],
)
def test_a_message_that_cannot_be_read_is_refused(body, error, detail):
    with pytest.raises(error) as caught:
        patch.read_request(body)

    assert caught.value.detail == detail


def test_an_attribute_cannot_grow_beyond_its_limit():
    emails = [{"value": f"{i}@example.com"} for i in range(99)]

    with pytest.raises(InvalidValue) as caught:
        patched(add("emails", emails))

    assert caught.value.detail == "emails has more than 100 values."


def test_one_refused_operation_refuses_all():
    """§3.5.2: a PATCH is atomic."""
    before = copy.deepcopy(BJENSEN)

    with pytest.raises(InvalidValue):
        patched(replace("userName", "babs"), remove("emails"), replace("active", "perhaps"))

    assert before == BJENSEN


# --- any operation on any user ----------------------------------------------------------------

_ATTRIBUTES = (
    *USER.common,
    *USER.schema.attributes,
    *USER.extensions[0].schema.attributes,
)
_NAMES = sorted(
    {
        f"{a.name}{sub}"
        for a in _ATTRIBUTES
        for sub in ("", *(f".{s.name}" for s in a.sub_attributes))
    }
    | {f'{a.name}[{s.name} eq "work"].{s.name}' for a in _ATTRIBUTES for s in a.sub_attributes}
    | {urns.USER, urns.ENTERPRISE_USER, f"{urns.ENTERPRISE_USER}.manager", "shoeSize"}
    | {'emails[type eq "work"]', 'emails[not (primary eq "True")]', 'manager[value eq "x"]'},
)
_SIMPLE = st.sampled_from(
    [None, "", "work", "Work", "x", "{}", '{"value": "x"}', "True", "../Users/x", "\ud83d"],
) | st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=3))
_MEMBERS = st.sampled_from(["value", "type", "primary", "$ref", "display", "FAMILYNAME", "shoe"])
_VALUES = st.recursive(
    _SIMPLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_MEMBERS, inner, max_size=3),
    max_leaves=6,
)
_OPERATIONS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "Replace", "remove"]),
        "value": _VALUES | st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=3),
    },
    optional={"path": st.sampled_from(_NAMES) | st.text(max_size=5)},
)


@given(
    st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=4),
    st.lists(_OPERATIONS, min_size=1, max_size=4),
)
def test_any_patch_is_refused_or_gives_a_canonical_resource(body, operations):
    try:
        user = {**BJENSEN, **read_resource(USER, body).resource}
    except ScimError:
        user = BJENSEN

    with contextlib.suppress(ScimError):
        patched(*operations, resource=user)


@given(st.sampled_from(_NAMES), _VALUES)
def test_a_replacement_that_is_repeated_changes_nothing_more(path, value):
    operations = (Operation(Op.REPLACE, path, value),)

    try:
        once = patch.apply(USER, BJENSEN, operations).resource
    except ScimError:
        return

    assert patch.apply(USER, once, operations).resource == once
