"""Redaction of requests in the provisioning log; the choice of secret values is test_secrecy's."""

import pytest

from scim.protocol.definitions import GROUP, USER
from scim.protocol.redaction import REDACTED, Redaction
from scim.provider.provisioning_log import MAX_KEPT, explained, redact, shown_again, without_query

PLAIN = Redaction((USER, GROUP))


def test_a_secret_token_is_redacted_wherever_it_stands():
    sent = {"title": "mypscim_abc", "MYPSCIM_abc": "x", "name": {"formatted": "My mypscim_abc."}}

    assert redact(sent, PLAIN, "create", "User") == {
        "title": REDACTED,
        REDACTED: REDACTED,
        "name": {"formatted": "My [redacted]."},
    }


@pytest.mark.parametrize("sent", [["x", 1], "hunter2", 7])
def test_a_body_that_is_no_object_is_not_kept(sent):
    assert redact(sent, PLAIN, "create", "User") == REDACTED


def test_a_large_body_is_not_kept():
    kept = redact({"displayName": "x" * MAX_KEPT}, PLAIN, "create", "User")

    assert list(kept) == ["omitted"]
    assert str(MAX_KEPT + len('{"displayName": ""}')) in kept["omitted"]
    assert shown_again(kept, PLAIN, "create", "User") == kept


def test_a_client_cannot_claim_that_its_body_was_not_kept():
    assert redact({"omitted": "x"}, PLAIN, "create", "User") == {"omitted": REDACTED}


def test_a_nul_in_a_query_is_kept_as_a_mark():
    """It may come in a parameter and PostgreSQL does not take it."""
    sent = {"filter": 'userName eq "a\0b"'}

    assert redact(sent, PLAIN, "query", "User") == {"filter": 'userName eq "a\ufffdb"'}


def test_the_query_of_a_path_is_cut_off():
    assert without_query('/scim/Bulk#/Users?filter=pin eq "7"') == "/scim/Bulk#/Users?…"


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ('the operator "s3cret" is not supported', 'the operator "[redacted]" is not supported'),
        ('"userName" has one value; mypscim_x', '"userName" has one value; [redacted]'),
        ("Another User already has this userName.", "Another User already has this userName."),
    ],
)
def test_a_detail_does_not_repeat_what_is_not_kept(detail, told):
    sent = {"filter": "password s3cret and userName eq 5"}
    kept = redact(sent, PLAIN, "query", "User")

    assert explained(detail, sent, kept) == told
