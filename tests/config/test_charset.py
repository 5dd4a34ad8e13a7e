"""The charset that a client names is never looked at: requests are UTF-8."""

import pytest

from config.edge.handler import without_charset


@pytest.mark.parametrize(
    ("named", "seen"),
    [
        ("application/scim+json", "application/scim+json"),
        ("application/scim+json; charset=utf-8", "application/scim+json"),
        ("application/scim+json;CharSet=bz2", "application/scim+json"),
        ("text/html; charset*=utf-8''bz2; x=y", "text/html; x=y"),
        ("multipart/form-data; boundary=b; charset=x", "multipart/form-data; boundary=b"),
        ("", ""),
    ],
)
def test_it_is_taken_out_of_the_content_type_and_nothing_else_is(named, seen):
    environ = {"CONTENT_TYPE": named, "PATH_INFO": "/scim"}

    assert without_charset(environ) == {"CONTENT_TYPE": seen, "PATH_INFO": "/scim"}
    assert environ["CONTENT_TYPE"] == named
