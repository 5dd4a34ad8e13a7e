"""PATCH as RFC 7644 §3.5.2 has it; what Entra sends beyond it is in test_patch_entra.py."""

import pytest

from scim.protocol import urns
from scim.protocol.errors import (
    InvalidValue,
    NoTarget,
)
from tests.support.patching import BJENSEN, HOME, OFFICE, WORK, add, patched, remove, replace


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
    )

    assert after == {
        "userName": "bjensen",
        "active": True,
        "name": {"familyName": "Jensen"},
        "emails": [HOME],
        "addresses": [{"type": "work", "streetAddress": "100 Universal City Plaza"}],
        urns.ENTERPRISE_USER: {"manager": {"value": "26118915"}},
    }


def test_an_attribute_without_its_last_part_is_unassigned():
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
