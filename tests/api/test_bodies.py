"""The arrival of a body: in chunks, compressed, cut off (RFC 9110 §8.4, RFC 9112 §6).

The chunks themselves are gunicorn's: tests/e2e/test_chunks.py sends them over real sockets.
"""

import io
import json
from urllib.parse import urlencode

import pytest

from scim.protocol import urns
from scim.provider.catalog import CAPABILITIES
from tests.support import oauth
from tests.support.clients import MEDIA_TYPE, client_for
from tests.support.payloads import BJENSEN, error, listed, patch, user

UNREADABLE = error(400, "The body could not be read.", "invalidSyntax")
COMPRESSED = error(415, "Send the body as it is, without Content-Encoding.")


class Broken(io.BytesIO):
    """A stream that fails as gunicorn's does on a malformed chunk: by an error of its own."""

    def read(self, size: int | None = -1) -> bytes:
        raise LookupError("Invalid chunk size: b'secret'")


def chunked(client, method, path, stream, content_type=MEDIA_TYPE):
    """The answer to a body without a length, as gunicorn hands it over once it has decoded chunks."""
    environ = {
        "CONTENT_LENGTH": "",
        "CONTENT_TYPE": content_type,
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": stream if isinstance(stream, io.BytesIO) else io.BytesIO(stream),
        "wsgi.input_terminated": True,
    }
    return client.generic(method, path, **environ)


def sent(client, method, path, body):
    answer = chunked(client.http, method, f"/scim{path}", json.dumps(body).encode())
    return answer.status_code, json.loads(answer.content)


@pytest.mark.quirk("E31")
def test_every_method_takes_a_body_in_chunks(at_acme, at_globex):
    status, created = sent(at_acme, "POST", "/Users", BJENSEN)
    path = f"/Users/{created['id']}"

    assert (status, at_acme.get(path).json) == (201, created)
    assert sent(at_acme, "PUT", path, BJENSEN) == (200, created)
    disabled = sent(at_acme, "PATCH", path, patch({"op": "replace", "value": {"active": False}}))
    assert (disabled[0], disabled[1]["active"]) == (200, False)
    search = {"schemas": [urns.SEARCH_REQUEST], "attributes": ["id"]}
    found = listed({"schemas": [urns.USER], "id": created["id"]})
    assert sent(at_acme, "POST", "/.search", search) == (200, found)
    assert sent(at_globex, "POST", "/Users/.search", search) == (200, listed())
    bulk = {"Operations": [{"method": "DELETE", "path": path}]}
    assert sent(at_acme, "POST", "/Bulk", bulk)[1]["Operations"][0]["status"] == "204"


@pytest.mark.quirk("E31")
def test_the_token_endpoint_takes_a_form_in_chunks(acme):
    form = urlencode(oauth.grant(oauth.create(acme))).encode()

    answer = chunked(client_for(acme), "POST", oauth.TOKEN_PATH, form, oauth.FORM)

    assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", error(400, "The request has no body; it must be a JSON object.", "invalidSyntax")),
        (b'{"a": 1} x', error(400, "The body is not JSON: line 1, column 10.", "invalidSyntax")),
        (
            b" " * (CAPABILITIES.max_body + 1),
            error(413, f"The body is larger than {CAPABILITIES.max_body} bytes."),
        ),
        (Broken(), UNREADABLE),
    ],
)
def test_a_body_in_chunks_is_refused_for_what_it_is(body, refusal, at_acme):
    answer = chunked(at_acme.http, "POST", "/scim/Users", body)

    assert (answer.status_code, json.loads(answer.content)) == (int(refusal["status"]), refusal)


@pytest.mark.parametrize("body", [b"a=" + b"x" * 32_768, Broken()])
def test_the_token_endpoint_refuses_a_form_that_is_too_long_or_broken(body, acme):
    answer = chunked(client_for(acme), "POST", oauth.TOKEN_PATH, body, oauth.FORM)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_client_without_a_token_is_refused_before_the_body_is_read(acme):
    assert chunked(client_for(acme), "POST", "/scim/Users", Broken()).status_code == 401


def test_a_body_that_is_shorter_than_announced_is_refused(at_acme):
    body = json.dumps(user("x")).encode()
    environ = {"CONTENT_LENGTH": str(len(body) + 1), "wsgi.input": io.BytesIO(body)}

    answer = at_acme.http.generic("POST", "/scim/Users", "", content_type=MEDIA_TYPE, **environ)

    detail = "The body ends before the length that Content-Length announces."
    assert json.loads(answer.content) == error(400, detail, "invalidSyntax")


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "br", "zstd", "identity, GZIP"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/Users"), ("PUT", "/Users/1"), ("POST", "/Users/.search"), ("POST", "/Bulk")],
)
def test_a_compressed_body_is_refused_with_what_is_taken(method, path, coding, at_acme):
    answer = at_acme.send(method, path, b"\x1f\x8b\x08", {"Content-Encoding": coding})

    assert (answer.status, answer.json) == (415, COMPRESSED)
    assert answer.headers["Accept-Encoding"] == "identity"


def test_the_token_endpoint_refuses_a_compressed_form(acme):
    form = oauth.grant(oauth.create(acme))

    answer = oauth.ask(acme, form, **{"Content-Encoding": "gzip"})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("coding", ["", "identity", "Identity"])
def test_a_body_that_is_named_as_it_is_is_read(coding, at_acme):
    answer = at_acme.post("/Users", user("x"), headers={"Content-Encoding": coding})

    assert answer.status == 201
