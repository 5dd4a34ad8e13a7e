"""What of a request may be kept in the provisioning log."""

from scim.provider.redaction import MAX_KEPT, REDACTED, redact


def test_a_password_is_redacted_wherever_it_stands():
    body = {
        "userName": "bjensen",
        "Password": "t1meMa$heen",
        "Operations": [
            {"op": "replace", "path": "password", "value": "t1meMa$heen"},
            {"op": "add", "value": {"urn:x:User:password": "t1meMa$heen", "title": "Guide"}},
        ],
    }

    assert redact(body) == {
        "userName": "bjensen",
        "Password": REDACTED,
        "Operations": [
            {"op": "replace", "path": "password", "value": REDACTED},
            {"op": "add", "value": {"urn:x:User:password": REDACTED, "title": "Guide"}},
        ],
    }


def test_a_secret_token_is_redacted_wherever_it_stands():
    sent = {"title": "mypscim_abc", "MYPSCIM_abc": ["My token is mypscim_abc."]}

    assert redact(sent) == {"title": REDACTED, REDACTED: ["My token is [redacted]."]}


def test_a_body_that_is_no_object_is_kept_as_it_is():
    assert redact(["x", 1, None]) == ["x", 1, None]


def test_a_large_body_is_not_kept():
    kept = redact({"displayName": "x" * MAX_KEPT})

    assert list(kept) == ["omitted"]
    assert str(MAX_KEPT + len('{"displayName": ""}')) in kept["omitted"]


def test_a_nul_in_a_query_is_kept_as_a_mark():
    """It may come in a parameter and PostgreSQL does not take it."""
    assert redact({"filter": 'userName eq "a\0b"'}) == {"filter": 'userName eq "a\ufffdb"'}
