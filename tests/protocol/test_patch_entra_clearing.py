"""The Entra provisioning service clears, removes and oversteps (docs/entra.md)."""

import pytest

from scim.protocol import urns
from scim.protocol.errors import InvalidPath, Mutability
from scim.protocol.patch import Outcome
from tests.support.entra_patching import BJENSEN, MANAGER, WORK, applied, patched

# --- clearing and removing --------------------------------------------------------------------


@pytest.mark.quirk("E8")
@pytest.mark.parametrize("nothing", ["", None])
def test_the_null_test_clears_attributes_by_path(nothing):
    """Microsoft's acceptance suite, "Verbose PATCH"."""
    after = patched(
        {"op": "replace", "path": "name.givenName", "value": nothing},
        {"op": "replace", "path": "name.formatted", "value": nothing},
        {"op": "replace", "path": "displayName", "value": nothing},
        {"op": "replace", "path": 'addresses[type eq "work"].country', "value": nothing},
        {"op": "replace", "path": 'phoneNumbers[type eq "work"].value', "value": nothing},
        {"op": "replace", "path": 'emails[type eq "work"]', "value": nothing},
        {"op": "replace", "path": MANAGER, "value": nothing},
    )

    assert after == {
        "externalId": BJENSEN["externalId"],
        "userName": "bjensen@contoso.com",
        "name": {"familyName": "Jensen"},
        "active": True,
    }


@pytest.mark.quirk("E6")
@pytest.mark.quirk("E8")
@pytest.mark.parametrize("nothing", ["", None])
@pytest.mark.parametrize("op", ["add", "replace"])
def test_the_null_test_clears_attributes_without_a_path(op, nothing):
    """Microsoft's acceptance suite, "Compact PATCH"."""
    after = patched(
        {
            "op": op,
            "value": {
                "name.givenName": nothing,
                "name.formatted": nothing,
                "displayName": nothing,
                'addresses[type eq "work"].country': nothing,
                MANAGER: nothing,
                f"{urns.ENTERPRISE_USER}:department": nothing,
            },
        },
    )

    assert after == {
        "externalId": BJENSEN["externalId"],
        "userName": "bjensen@contoso.com",
        "name": {"familyName": "Jensen"},
        "active": True,
        "emails": [WORK],
    }


@pytest.mark.quirk("E14")
def test_a_removal_with_a_value_removes_only_that_value():
    user = {**BJENSEN, "emails": [WORK, {"type": "home", "value": "babs@jensen.org"}]}

    equal = patched(
        {"op": "Remove", "path": "name.givenName", "value": "barbara"},
        {"op": "Remove", "path": "externalId", "value": BJENSEN["externalId"]},
        {
            "op": "Remove",
            "path": "emails",
            "value": [{"value": "BABS@jensen.org", "primary": False}],
        },
        {"op": "Remove", "path": "addresses", "value": [{"country": "Belize"}]},
        to=user,
    )
    other = patched(
        {"op": "Remove", "path": "name.givenName", "value": "Babs"},
        {"op": "Remove", "path": "externalId", "value": "701984"},
        {"op": "Remove", "path": "displayName", "value": "Babs"},
        {"op": "Remove", "path": "emails", "value": [{"value": "babs@jensen.org", "type": "work"}]},
        {"op": "Remove", "path": 'emails[type eq "work"].value', "value": "babs@jensen.org"},
        {"op": "Remove", "path": "addresses", "value": [{"country": "Mali"}]},
        {"op": "Remove", "path": MANAGER, "value": "another"},
        {"op": "Remove", "path": MANAGER, "value": {"displayName": "John Smith"}},
        to=user,
    )

    assert equal == {
        "userName": "bjensen@contoso.com",
        "name": {"formatted": "Barbara Jensen", "familyName": "Jensen"},
        "active": True,
        "emails": [WORK],
        urns.ENTERPRISE_USER: BJENSEN[urns.ENTERPRISE_USER],
    }
    assert other == user


@pytest.mark.quirk("E15")
@pytest.mark.parametrize(
    "path",
    [
        "displayName",
        "name.middleName",
        "phoneNumbers",
        "phoneNumbers.value",
        'phoneNumbers[type eq "work"]',
        'phoneNumbers[type eq "work"].value',
        'emails[type eq "home"]',
        'emails[type ne "work"].value',
        'manager[value eq "another"]',
        f"{urns.ENTERPRISE_USER}:department",
    ],
)
def test_removing_what_is_not_there_is_a_success(path):
    assert patched({"op": "Remove", "path": path}) == BJENSEN


# --- roles ------------------------------------------------------------------------------------


@pytest.mark.quirk("E16")
@pytest.mark.parametrize(
    "path",
    ["roles", 'roles[primary eq "True"].value'],
)
def test_roles_come_as_json_in_the_text_of_a_value(path):
    """AppRoleAssignmentsComplex and SingleAppRoleAssignment, customize-application-attributes."""
    text = '{"id":"06b07648-ecfe-589f-9d2f-6325724a46ee","value":"25","displayName":"Role1234"}'
    value = [{"value": text}] if path == "roles" else text

    [role] = patched({"op": "Add", "path": path, "value": value})["roles"]

    assert (role["value"], role["display"]) == ("25", "Role1234")


@pytest.mark.quirk("E20")
def test_roles_come_as_plain_values():
    after = patched(
        {"op": "Replace", "path": "roles", "value": ["Admin", "Auditor"]},
        {"op": "Add", "path": "roles", "value": "Reader"},
        {"op": "Add", "path": "roles", "value": [{"value": "Reader", "display": "May read"}]},
    )

    assert after["roles"] == [
        {"value": "Admin"},
        {"value": "Auditor"},
        {"value": "Reader", "display": "May read"},
    ]


# --- what is ignored and what is refused ------------------------------------------------------


@pytest.mark.quirk("E13")
@pytest.mark.quirk("E19")
def test_a_value_without_a_path_may_hold_what_cannot_be_written():
    echo = {
        "schemas": [urns.USER],
        "id": "2819c223-7f76",
        "meta": {"resourceType": "User"},
        "active": False,
        "groups": [{"value": "e9e30dba"}],
        "shoeSize": 42,
        urns.ENTERPRISE_USER: {"desk": "4"},
    }

    assert applied({"op": "replace", "value": echo}) == Outcome(
        {**BJENSEN, "active": False},
        (
            "Ignored read-only attribute groups.",
            "Ignored unknown attribute shoeSize.",
            f"Ignored unknown attribute {urns.ENTERPRISE_USER}:desk.",
        ),
    )


@pytest.mark.quirk("E13")
@pytest.mark.quirk("E19")
@pytest.mark.parametrize(
    ("path", "error"),
    [("id", Mutability), ("meta.version", Mutability), ("shoeSize", InvalidPath)],
)
def test_a_path_to_it_is_refused(path, error):
    with pytest.raises(error):
        patched({"op": "Replace", "path": path, "value": "x"})


@pytest.mark.quirk("E9")
def test_any_text_is_stored_as_it_is_sent():
    """Microsoft's acceptance suite writes such text into every string it has a mapping of."""
    after = patched(
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "upd-1a2b3c4d"},
        {"op": "Replace", "path": 'addresses[type eq "work"].country', "value": " upd-1A2B "},
        {"op": "Replace", "path": "timezone", "value": "upd-1a2b3c4d"},
    )

    assert after == {
        **BJENSEN,
        "emails": [{**WORK, "value": "upd-1a2b3c4d"}],
        "addresses": [{"type": "work", "country": " upd-1A2B "}],
        "timezone": "upd-1a2b3c4d",
    }
