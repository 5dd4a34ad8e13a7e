"""Filters for membership find by SQL whom the same filter finds in the answers themselves."""

import pytest

from scim.protocol.comparison import comparable
from scim.protocol.definitions import GROUP, USER
from scim.protocol.evaluation import matches
from scim.protocol.filters import parse_filter
from tests.support.payloads import user

NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def directory(acme, globex, scim):
    """The client of acme, where groups are nested and one was deleted, and ids by name.

    Nina is a direct member of Outer, and an indirect one through Inner. In globex names are the same.
    """
    for tenant in (globex, acme):
        client = scim(tenant)
        ids = {
            name: client.post("/Users", user(name)).json["id"]
            for name in ("anna", "bert", "carl", "dora", "nina")
        }
        for name, members in {
            "Inner": ("anna", "nina"),
            "Outer": ("Inner", "bert", "nina"),
            "Top": ("Outer",),
            "Alone": ("carl", "anna"),
            "Gone": ("dora", "bert"),
            "Empty": (),
        }.items():
            body = {"displayName": name, "members": [{"value": ids[each]} for each in members]}
            ids[name] = client.post("/Groups", body).json["id"]
        client.delete(f"/Groups/{ids['Gone']}")
    return client, ids


USERS = [
    'groups.type eq "direct"',
    'groups.type eq "Indirect"',
    'groups.type eq "other"',
    'groups.type ne "direct"',
    'not (groups.type eq "indirect")',
    'groups.type co "in"',
    'groups.display eq "inner"',
    'groups.display eq "Gone"',
    'groups.display ne "Inner"',
    'groups.display co "O"',
    'groups.display sw "t" or groups.display ew "E"',
    "groups.display pr",
    "not (groups pr)",
    'groups.value eq "{Outer}"',
    'groups.value ne "{Outer}"',
    f'not (groups.value eq "{NOBODY}")',
    'groups.value eq "no id"',
    'not (groups.value eq "no id")',
    'groups.value sw "{Inner}"',
    'groups[value eq "{Outer}" and type eq "direct"]',
    'groups[value eq "{Outer}" and type eq "indirect"]',
    'groups[display eq "outer" and type eq "direct"]',
    'groups[display eq "outer" and type eq "indirect"]',
    'groups[display eq "Alone" and value eq "{Alone}"]',
    'groups[display eq "Alone" and value eq "{Outer}"]',
    'groups[not (display eq "alone")]',
    'groups[type eq "direct" and display co "t"]',
    'not (groups[display co "l" or display co "i"])',
    'groups[type pr and display pr and value eq "{Top}"]',
    'not (not (groups.display eq "top")) and userName pr',
]
GROUPS = [
    'members.type eq "Group"',
    'members.type eq "user"',
    'not (members.type eq "user")',
    'not (members.type eq "group")',
    'members.type eq "device"',
    'members.value eq "{anna}"',
    'members.value ne "{anna}"',
    'members.value sw "{anna}"',
    'members[value eq "{Inner}" and type eq "group"]',
    'members[value eq "{Inner}" and type eq "user"]',
    'members[value eq "{anna}" or value eq "{Outer}"]',
    "not (members pr)",
    'members.value eq "no id"',
]


@pytest.mark.parametrize(
    ("resource_type", "text"),
    [*((USER, text) for text in USERS), *((GROUP, text) for text in GROUPS)],
)
def test_a_filter_for_membership_finds_what_the_answers_say(directory, resource_type, text):
    client, ids = directory
    text = text.format(**ids)
    everybody = client.get(resource_type.endpoint).json["Resources"]

    found = client.get(resource_type.endpoint, filter=text).json

    tree = parse_filter(text)
    expected = [
        each["userName" if resource_type is USER else "displayName"]
        for each in everybody
        if matches(tree, resource_type, comparable(resource_type, each))
    ]
    assert [
        each.get("userName", each.get("displayName")) for each in found["Resources"]
    ] == expected
    assert found["totalResults"] == len(expected)
