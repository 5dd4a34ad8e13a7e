"""A filter at the root, told for one resource type (RFC 7644 §3.4.2.1)."""

import pytest

from scim.protocol.definitions import GROUP, RESOURCE_TYPES, USER
from scim.protocol.errors import InvalidFilter
from scim.protocol.evaluation import narrowed
from scim.protocol.filters import parse_filter


@pytest.mark.parametrize(
    ("text", "for_users", "for_groups"),
    [
        ("displayName pr", "displayName pr", "displayName pr"),
        ('userName eq "b"', 'userName eq "b"', False),
        ('userName ne "b"', 'userName ne "b"', True),
        ('userName sw "b"', 'userName sw "b"', False),
        ("userName eq null", "userName eq null", True),
        ("userName ne null", "userName ne null", False),
        ("members pr", False, "members pr"),
        ('emails[type eq "work"]', 'emails[type eq "work"]', False),
        ("not (members pr)", True, "not (members pr)"),
        ("userName pr and displayName pr", "userName pr and displayName pr", False),
        ("not (members pr) and displayName pr", "displayName pr", None),
        ("userName pr or displayName pr", "userName pr or displayName pr", "displayName pr"),
        ("userName pr or members pr", "userName pr", "members pr"),
        ("not (members pr) or displayName pr", True, None),
        ("members pr and not (userName pr)", False, "members pr"),
    ],
)
def test_an_attribute_that_a_type_does_not_have_has_no_value(text, for_users, for_groups):
    tree = parse_filter(text)

    for resource_type, expected in ((USER, for_users), (GROUP, for_groups)):
        wanted = parse_filter(expected) if isinstance(expected, str) else expected
        wanted = tree if wanted is None else wanted  # nothing to leave out
        assert narrowed(tree, resource_type, RESOURCE_TYPES) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "shoeSize pr",
        "members pr and shoeSize pr",
        "members pr and active eq 5",
        "name.shoeSize pr",
        "password pr",
    ],
)
def test_what_no_type_understands_is_refused(text):
    tree = parse_filter(text)

    with pytest.raises(InvalidFilter):
        narrowed(tree, USER, RESOURCE_TYPES)
