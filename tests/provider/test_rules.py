"""The rules of myPolicies for its users: "always requires userName, email and externalId"."""

import re
from typing import Any

import pytest

from scim.protocol.definitions import GROUP, USER
from scim.protocol.errors import InvalidValue
from scim.provider import rules

BJENSEN: dict[str, Any] = {
    "userName": "bjensen",
    "externalId": "701984",
    "emails": [{"type": "work", "value": "bjensen@example.com"}],
}


def test_a_user_with_user_name_work_email_and_external_id_passes():
    rules.check_required(USER, BJENSEN)


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        ("userName", "userName"),
        ("externalId", "externalId"),
        ("emails", 'emails[type eq "work"].value'),
    ],
)
@pytest.mark.parametrize("blank", [None, "", []])
def test_a_user_without_one_of_them_is_refused_by_its_name_in_the_mapping(attribute, name, blank):
    with pytest.raises(InvalidValue) as refusal:
        rules.check_required(USER, {**BJENSEN, attribute: blank})

    assert refusal.value.detail == (
        f"{name} is missing. myPolicies always requires userName, email and externalId."
    )


@pytest.mark.parametrize("attribute", ["userName", "externalId"])
def test_blanks_alone_are_no_value(attribute):
    with pytest.raises(InvalidValue, match=f"{attribute} is missing"):
        rules.check_required(USER, {**BJENSEN, attribute: "  "})


@pytest.mark.parametrize(
    "emails",
    [
        [{"type": "work", "value": " "}],
        [{"type": "work"}],
        [{"type": "home", "value": "a@example.com"}, {"type": "other", "value": "b@example.com"}],
    ],
)
def test_emails_without_a_work_email_are_refused(emails):
    with pytest.raises(InvalidValue, match=re.escape('emails[type eq "work"].value is missing')):
        rules.check_required(USER, {**BJENSEN, "emails": emails})


@pytest.mark.parametrize(
    ("emails", "chosen"),
    [
        ([{"type": "home", "value": "h"}, {"type": "Work", "value": "w"}], "w"),
        ([{"type": "home", "value": "h"}, {"type": "other", "value": "p", "primary": True}], "p"),
        ([{"value": "only"}], "only"),
        ([{"value": "a"}, {"value": "b"}], None),
        ([], None),
    ],
)
def test_the_work_email_is_the_work_one_else_the_primary_else_the_only_one(emails, chosen):
    assert rules.work_email({"emails": emails}) == chosen


def test_a_user_is_created_active_unless_the_client_says_otherwise():
    assert rules.with_defaults(USER, {"userName": "x"})["active"] is True
    assert rules.with_defaults(USER, {"active": False})["active"] is False


def test_a_put_that_does_not_mention_active_does_not_enable_a_disabled_user():
    assert rules.carried_over(USER, {"active": False}, {"userName": "x"})["active"] is False
    assert rules.carried_over(USER, {"active": False}, {"active": True})["active"] is True
    assert rules.carried_over(USER, {}, {"userName": "x"})["active"] is True
    assert rules.carried_over(GROUP, {"active": False}, {"displayName": "x"}) == {
        "displayName": "x"
    }
