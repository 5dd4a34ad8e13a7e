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


def test_a_page_by_cursor_names_the_pages_beside_it_and_no_index():
    """RFC 9865 table 2: a cursor that is left out says that there is no page on that side."""
    assert messages.cursor_response([], total=7, previous_cursor="ze7L30", next_cursor=None) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 7,
        "itemsPerPage": 0,
        "previousCursor": "ze7L30",
        "Resources": [],
    }
