"""ListResponse and Error (RFC 7644 §3.4.2, §3.12)."""

from scim.protocol import messages


def test_an_error_has_exactly_the_keys_of_the_rfc_and_its_status_as_a_string():
    assert messages.error_body(404, "There is no User.") == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "detail": "There is no User.",
        "status": "404",
    }


def test_an_error_names_its_scim_type_where_there_is_one():
    assert messages.error_body(400, "No.", "invalidFilter")["scimType"] == "invalidFilter"


def test_an_empty_list_still_has_resources():
    """Entra's Test Connection looks for a user that does not exist and reads the list."""
    assert messages.list_response([], total=0, start_index=1) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 0,
        "startIndex": 1,
        "itemsPerPage": 0,
        "Resources": [],
    }
