"""The PATCH requests of the Entra provisioning service, in both of its flavors (docs/entra.md).

The older connector ("customappsso", which myPolicies' tutorial shows) sends one operation for each
attribute, with a path; the newer one (`aadOptscim062020`) gathers most of them in one value without
a path. One tenant can be sent both.
"""

import pytest

from scim.protocol import patch, urns
from scim.protocol.definitions import USER
from scim.protocol.errors import NoTarget
from tests.support.entra_patching import BJENSEN, MANAGER, MINIMAL, WORK, patched

# --- whole requests ---------------------------------------------------------------------------


@pytest.mark.quirk("E1")
@pytest.mark.quirk("E2")
@pytest.mark.quirk("E3")
@pytest.mark.quirk("E7")
def test_the_older_connector_updates_attribute_by_attribute():
    after = patched(
        {"op": "Replace", "path": "userName", "value": "babs@contoso.com"},
        {"op": "Replace", "path": "externalId", "value": "701984"},
        {"op": "Replace", "path": "name.familyName", "value": "Smith"},
        {"op": "Add", "path": "displayName", "value": "Babs Smith"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "babs@contoso.com"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "555-0100"},
        {"op": "Replace", "path": 'addresses[type eq "work"].country', "value": "Sierra Leone"},
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Add", "path": f"{urns.ENTERPRISE_USER}.manager", "value": "e9e30dba"},
    )

    assert after == {
        "externalId": "701984",
        "userName": "babs@contoso.com",
        "name": {"formatted": "Barbara Jensen", "familyName": "Smith", "givenName": "Barbara"},
        "displayName": "Babs Smith",
        "active": False,
        "emails": [{**WORK, "value": "babs@contoso.com"}],
        "phoneNumbers": [{"type": "mobile", "value": "555-0100"}],
        "addresses": [{"type": "work", "country": "Sierra Leone"}],
        urns.ENTERPRISE_USER: {"manager": {"value": "e9e30dba"}},
    }


@pytest.mark.quirk("E6")
@pytest.mark.quirk("E7")
def test_the_newer_connector_updates_by_one_value_without_a_path():
    after = patched(
        {"op": "add", "path": 'emails[type eq "work"].value', "value": "babs@contoso.com"},
        {
            "op": "replace",
            "value": {
                "displayName": "Babs Smith",
                "name.givenName": "Babs",
                "name.familyName": "Smith",
                'addresses[type eq "work"].country': "ML",
                f"{urns.ENTERPRISE_USER}:employeeNumber": "701984",
                f"{urns.ENTERPRISE_USER}:department": "Tours",
            },
        },
        to=MINIMAL,
    )

    assert after == {
        **MINIMAL,
        "emails": [{"type": "work", "value": "babs@contoso.com"}],
        "displayName": "Babs Smith",
        "name": {"givenName": "Babs", "familyName": "Smith"},
        "addresses": [{"type": "work", "country": "ML"}],
        urns.ENTERPRISE_USER: {"employeeNumber": "701984", "department": "Tours"},
    }


@pytest.mark.quirk("E1")
@pytest.mark.quirk("E6")
def test_both_flavors_are_mixed_in_one_request():
    after = patched(
        {"op": "Replace", "path": "active", "value": False},
        {"op": "add", "value": {"name.givenName": "Babs"}},
        {"OP": "REPLACE", "Path": "title", "Value": "Tour Guide"},
    )

    assert after == {
        **BJENSEN,
        "active": False,
        "name": {**BJENSEN["name"], "givenName": "Babs"},
        "title": "Tour Guide",
    }


@pytest.mark.quirk("E1")
@pytest.mark.quirk("E26")
def test_the_message_is_read_in_any_letter_case_and_without_schemas():
    operations = patch.read_request(
        {"operations": [{"Op": "replace", "path": None, "value": {"active": False}}]},
    )

    assert patch.apply(USER, MINIMAL, operations).resource == {**MINIMAL, "active": False}


# --- active -----------------------------------------------------------------------------------


@pytest.mark.quirk("E2")
@pytest.mark.parametrize("value", [False, "False", "false"])
@pytest.mark.parametrize("op", ["Replace", "Add"])
def test_a_user_is_disabled_and_restored(op, value):
    disabled = patched({"op": op, "path": "active", "value": value})
    restored = patched({"op": op, "path": "active", "value": "True"}, to=disabled)

    assert disabled == {**BJENSEN, "active": False}
    assert restored == BJENSEN


# --- manager ----------------------------------------------------------------------------------


@pytest.mark.quirk("E4")
@pytest.mark.quirk("E5")
@pytest.mark.quirk("E12")
@pytest.mark.parametrize("op", ["Add", "replace"])
@pytest.mark.parametrize(
    "path",
    [
        MANAGER,
        "manager",
        pytest.param(f"{urns.ENTERPRISE_USER}.manager", marks=pytest.mark.quirk("E3")),
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        "e9e30dba",
        {"value": "e9e30dba"},
        [{"value": "e9e30dba"}],
        {"value": "e9e30dba", "displayName": "John Smith"},
        {"$ref": None, "value": "e9e30dba"},
    ],
)
@pytest.mark.parametrize("user", [BJENSEN, MINIMAL])
def test_the_manager_is_set_in_every_spelling(user, value, path, op):
    after = patched({"op": op, "path": path, "value": value}, to=user)

    assert after == {**user, urns.ENTERPRISE_USER: {"manager": {"value": "e9e30dba"}}}


@pytest.mark.quirk("E4")
def test_the_manager_is_set_by_reference_in_an_array():
    """Example 5 of Microsoft's documentation."""
    reference = "http://.../scim/Users/2819c223-7f76"
    value = [{"$ref": reference, "value": "2819c223-7f76"}]

    after = patched({"op": "Add", "path": "manager", "value": value})

    assert after[urns.ENTERPRISE_USER] == {
        "manager": {"$ref": reference, "value": "2819c223-7f76"},
    }


@pytest.mark.quirk("E4")
@pytest.mark.quirk("E6")
@pytest.mark.parametrize("key", ["manager", MANAGER, f"{urns.ENTERPRISE_USER}.manager"])
def test_the_manager_is_set_without_a_path(key):
    after = patched({"op": "add", "value": {key: "e9e30dba"}})

    assert after == {**BJENSEN, urns.ENTERPRISE_USER: {"manager": {"value": "e9e30dba"}}}


NO_MANAGER = {name: value for name, value in BJENSEN.items() if name != urns.ENTERPRISE_USER}


@pytest.mark.quirk("E4")
@pytest.mark.quirk("E14")
@pytest.mark.quirk("E17")
@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": MANAGER, "value": ""},
        {"op": "replace", "path": MANAGER, "value": None},
        {"op": "replace", "path": MANAGER, "value": []},
        {"op": "Replace", "path": MANAGER, "value": {"value": ""}},
        {"op": "Replace", "path": MANAGER, "value": [{"value": None}]},
        {"op": "Add", "path": "manager", "value": ""},
        {"op": "replace", "path": f"{MANAGER}.value", "value": ""},
        {"op": "replace", "value": {MANAGER: ""}},
        {"op": "replace", "value": {urns.ENTERPRISE_USER: {"manager": None}}},
        {"op": "Remove", "path": MANAGER},
        {"op": "Remove", "path": f"{urns.ENTERPRISE_USER}.manager"},
        {"op": "remove", "path": "manager", "value": "26118915"},
        {"op": "Remove", "path": MANAGER, "value": [{"$ref": None, "value": "26118915"}]},
        {"op": "remove", "path": f"{MANAGER}.value", "value": "26118915"},
        {"op": "remove", "path": 'manager[value eq "26118915"]'},
        {"op": "remove", "path": f'{MANAGER}[value eq "26118915"].value'},
        {"op": "replace", "path": f'{MANAGER}[value eq "26118915"]', "value": None},
    ],
)
def test_the_manager_is_removed_in_every_spelling(operation):
    assert patched(operation) == NO_MANAGER


@pytest.mark.quirk("E17")
def test_a_filter_on_the_manager_selects_it_or_makes_it():
    path = f'{MANAGER}[value eq "26118915"]'
    value = {"$ref": "../Users/26118915"}
    expected = {urns.ENTERPRISE_USER: {"manager": {"value": "26118915", **value}}}

    selected = patched({"op": "replace", "path": f"{path}.$ref", "value": value["$ref"]})
    made = patched({"op": "add", "path": path, "value": value}, to=MINIMAL)

    assert selected == {**BJENSEN, **expected}
    assert made == {**MINIMAL, **expected}


@pytest.mark.quirk("E17")
def test_a_filter_does_not_put_another_manager_in_the_place_of_one():
    operation = {"op": "replace", "path": 'manager[value eq "another"].value', "value": "third"}

    with pytest.raises(NoTarget) as caught:
        patched(operation)

    assert caught.value.detail == f"No value of {MANAGER} matches the filter of the path."


# --- value paths ------------------------------------------------------------------------------


@pytest.mark.quirk("E7")
@pytest.mark.parametrize("op", ["Add", "Replace"])
@pytest.mark.parametrize(
    ("path", "value", "made"),
    [
        (
            'emails[type eq "work"].value',
            "b@x.org",
            {"emails": [{"type": "work", "value": "b@x.org"}]},
        ),
        (
            'addresses[type eq "work"].country',
            "Belize",
            {"addresses": [{"type": "work", "country": "Belize"}]},
        ),
        (
            'addresses[type eq "work"]',
            {"country": "Belize", "primary": "True"},
            {"addresses": [{"type": "work", "country": "Belize", "primary": True}]},
        ),
        ('emails[type eq "work"]', "b@x.org", {"emails": [{"type": "work", "value": "b@x.org"}]}),
        (
            'emails[type eq "work" and primary eq true].value',
            "b@x.org",
            {"emails": [{"type": "work", "primary": True, "value": "b@x.org"}]},
        ),
        pytest.param(
            'roles[primary eq "True"].value',
            "admin",
            {"roles": [{"primary": True, "value": "admin"}]},
            marks=pytest.mark.quirk("E2"),
        ),
    ],
)
def test_a_value_path_makes_the_value_that_it_describes(op, path, value, made):
    assert patched({"op": op, "path": path, "value": value}, to=MINIMAL) == {**MINIMAL, **made}


@pytest.mark.quirk("E7")
def test_parts_of_a_new_value_may_come_one_by_one():
    after = patched(
        {"op": "Add", "path": 'addresses[type eq "work"].primary', "value": "True"},
        {"op": "Add", "path": 'addresses[type eq "work"].country', "value": "Belize"},
        to=MINIMAL,
    )

    assert after["addresses"] == [{"type": "work", "primary": True, "country": "Belize"}]
