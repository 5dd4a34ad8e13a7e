"""Requests as the Entra provisioning service sends them (docs/entra.md)."""

from typing import Any, Final

from scim.protocol import urns

_ID: Final = "019ab8c4-0000-7000-8000-000000000001"
_MEMBERS: Final = [{"$ref": None, "value": _ID}]


def _patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


def _named(**values: Any) -> dict[str, Any]:
    """Examples by name, the name's words being the summary."""
    return {
        name: {"summary": name.replace("_", " "), "value": value} for name, value in values.items()
    }


CREATE: Final[dict[str, dict[str, Any]]] = {
    urns.USER_TYPE: _named(
        A_user={
            "schemas": [urns.USER, urns.ENTERPRISE_USER],
            "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
            "userName": "bjensen@contoso.com",
            "active": True,
            "emails": [{"primary": True, "type": "work", "value": "Barbara.Jensen@contoso.com"}],
            "meta": {"resourceType": "User"},
            "name": {
                "formatted": "Barbara Jensen",
                "familyName": "Jensen",
                "givenName": "Barbara",
            },
            "roles": [],
        },
    ),
    urns.GROUP_TYPE: _named(
        A_group={
            "schemas": [
                urns.GROUP,
                "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group",
            ],
            "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
            "displayName": "Tour Guides",
            "meta": {"resourceType": "Group"},
        },
    ),
}

PATCH: Final[dict[str, dict[str, Any]]] = {
    urns.USER_TYPE: _named(
        An_update_by_the_older_connector=_patch(
            {"op": "Replace", "path": "name.familyName", "value": "Jensen-Smith"},
            {"op": "Add", "path": 'addresses[type eq "work"].country', "value": "Belize"},
            {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "bj@contoso.com"},
        ),
        An_update_by_the_newer_connector=_patch(
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": "bj@contoso.com"},
            {
                "op": "replace",
                "value": {
                    "displayName": "Barbara Jensen-Smith",
                    "name.familyName": "Jensen-Smith",
                    f"{urns.ENTERPRISE_USER}:department": "Tour Operations",
                },
            },
        ),
        A_user_is_disabled=_patch({"op": "Replace", "path": "active", "value": "False"}),
        The_manager_is_set=_patch(
            {"op": "Add", "path": f"{urns.ENTERPRISE_USER}:manager", "value": _ID}
        ),
    ),
    urns.GROUP_TYPE: _named(
        Members_are_added=_patch({"op": "Add", "path": "members", "value": _MEMBERS}),
        A_member_is_removed_by_the_older_connector=_patch(
            {"op": "Remove", "path": "members", "value": _MEMBERS}
        ),
        A_member_is_removed_by_the_newer_connector=_patch(
            {"op": "remove", "path": f'members[value eq "{_ID}"]'}
        ),
        A_group_is_renamed=_patch({"op": "Replace", "path": "displayName", "value": "Guides"}),
    ),
}

# Test Connection looks for a random name; cycles look for people and groups by their names.
FILTERS: Final[dict[str, dict[str, Any]]] = {
    urns.USER_TYPE: _named(
        Test_Connection='userName eq "9a4ea1c6-3b1e-4b0e-8f0f-2d3d0a6e5b11"',
        A_user_by_name='userName eq "bjensen@contoso.com"',
        A_user_by_work_email='emails[type eq "work"].value eq "Barbara.Jensen@contoso.com"',
        Whether_a_manager_is_set=f'id eq "{_ID}" and manager eq "{_ID}"',
    ),
    urns.GROUP_TYPE: _named(
        A_group_by_name='displayName eq "Tour Guides"',
        Whether_a_user_is_a_member=f'id eq "{_ID}" and members eq "{_ID}"',
    ),
}

SEARCH: Final = _named(
    By_the_beginning_of_the_name={
        "schemas": [urns.SEARCH_REQUEST],
        "filter": 'displayName sw "B"',
        "attributes": ["displayName", "externalId"],
        "startIndex": 1,
        "count": 10,
    }
)
BULK: Final = _named(
    A_user_and_its_group={
        "schemas": [urns.BULK_REQUEST],
        "failOnErrors": 1,
        "Operations": [
            {
                "method": "POST",
                "path": "/Users",
                "bulkId": "qwerty",
                "data": CREATE[urns.USER_TYPE]["A_user"]["value"],
            },
            {
                "method": "POST",
                "path": "/Groups",
                "bulkId": "ytrewq",
                "data": {
                    "schemas": [urns.GROUP],
                    "displayName": "Tour Guides",
                    "members": [{"value": "bulkId:qwerty"}],
                },
            },
        ],
    }
)
