"""Texts of a request that are as long as its body are gone with it: no cache of a worker keeps them.

A client with a token could else fill the memory of the server, a megabyte with each request.
"""

import gc
import tracemalloc

import pytest

from scim.protocol import urns
from tests.support import bulk, payloads

LONG = "x" * 200_000
NUMBER = 20  # requests, each with a text of its own
KEPT = len(LONG) * NUMBER // 4  # bytes, of all that they leave


def patched(at_acme, *operations):
    found = at_acme.get("/Users", attributes="id").json["Resources"][0]["id"]
    return at_acme.patch(f"/Users/{found}", payloads.patch(*operations))


def searched(at_acme, **parameters):
    return at_acme.post("/Users/.search", {"schemas": [urns.SEARCH_REQUEST], **parameters})


WAYS = {
    "the id of an operation": lambda client, text: client.post(
        "/Bulk", bulk.bulk({"method": "DELETE", "path": f"/Users/{text}"})
    ),
    "the type of an operation": lambda client, text: client.post(
        "/Bulk", bulk.bulk(bulk.post("b", f"/{text}", {}))
    ),
    "the path of a PATCH": lambda client, text: patched(
        client, {"op": "add", "path": text, "value": "y"}
    ),
    "a name in a PATCH": lambda client, text: patched(
        client, {"op": "add", "value": {f"urn:x:{text}": {"a": "b"}}}
    ),
    "a name in a user": lambda client, text: client.post(
        "/Users", payloads.user(text[:6], **{text: 1})
    ),
    "the types of many e-mails": lambda client, text: client.post(
        "/Users",
        payloads.user(
            text[:6],
            emails=[
                {"type": kind, "value": f"{len(kind)}@acme.example"}
                for kind in ("work", *(f"{text[:6]}{at}{text[6:900]}" for at in range(99)))
            ],
        ),
    ),
    "attributes": lambda client, text: searched(client, attributes=[text]),
    "excludedAttributes": lambda client, text: searched(client, excludedAttributes=[text]),
    "a name in a search": lambda client, text: searched(client, **{text: 1}),
    "sortBy": lambda client, text: searched(client, sortBy=text),
    "a filter": lambda client, text: searched(client, filter=f'title eq "{text}"'),
    "a userName": lambda client, text: client.post("/Users", payloads.user(text)),
    "a member": lambda client, text: client.post(
        "/Groups", {"displayName": "Guides", "members": [{"value": text}]}
    ),
}


@pytest.fixture
def traced():
    """`traced()`: the bytes that Python's objects have."""

    def read():
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    yield read
    tracemalloc.stop()


@pytest.mark.parametrize("way", WAYS)
def test_a_long_text_is_not_kept(way, at_acme, bjensen, traced, caplog):
    send = WAYS[way]
    for number in range(3):
        send(at_acme, f"{number:06d}")
    caplog.clear()
    before = traced()

    for number in range(NUMBER):
        assert send(at_acme, f"{number:06d}{LONG}").status < 500
        caplog.clear()

    assert traced() - before < KEPT
