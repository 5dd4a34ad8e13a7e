"""Media types of bodies and of answers (RFC 7644 §3.1, §8.1)."""

import json

import pytest

from tests.support.clients import MEDIA_TYPE
from tests.support.payloads import BJENSEN, error, replace, user

REFUSED = error(415, "Send the body as application/scim+json.")


def send(client, method, path, body, content_type):
    response = client.http.generic(
        method, f"/scim{path}", json.dumps(body).encode(), content_type=content_type
    )
    return response.status_code, json.loads(response.content)


@pytest.mark.quirk("E29")
@pytest.mark.parametrize(
    "content_type",
    [
        "application/scim+json",
        "application/scim+json; charset=utf-8",
        "Application/SCIM+JSON;charset=UTF-8",
        "application/json",
        "application/json; charset=utf-8",
        "application/json; charset=bz2",  # never looked at: JSON is UTF-8
        "",
    ],
)
def test_a_body_is_read_under_both_names_of_json(content_type, at_acme):
    status, body = send(at_acme, "POST", "/Users", user("zo\u00eb"), content_type)

    assert (status, body["userName"]) == (201, "zo\u00eb@acme.example")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json-patch+json",
        "nonsense",
        "application/json, text/plain",
    ],
)
def test_a_body_of_another_media_type_is_refused(content_type, at_acme, acme, bjensen, stored):
    before, path = stored(acme), f"/Users/{bjensen['id']}"

    answers = [
        send(at_acme, "POST", "/Users", user("x"), content_type),
        send(at_acme, "PUT", path, {**BJENSEN, "title": "x"}, content_type),
        send(at_acme, "PATCH", path, replace("title", "x"), content_type),
        send(at_acme, "POST", "/.search", {}, content_type),
    ]

    assert answers == [(415, REFUSED)] * 4
    assert stored(acme) == before


@pytest.mark.parametrize("accepted", ["*/*", "application/json", "text/html", "image/png", "x"])
def test_answers_are_scim_whatever_the_client_accepts(accepted, at_acme, bjensen):
    answer = at_acme.get(f"/Users/{bjensen['id']}", headers={"Accept": accepted})

    assert (answer.headers["Content-Type"], answer.json) == (MEDIA_TYPE, bjensen)


def test_every_kind_of_answer_has_the_media_type(at_acme, bjensen):
    path = f"/Users/{bjensen['id']}"
    answers = {
        200: at_acme.get(path),
        304: at_acme.get(path, headers={"If-None-Match": "*"}),
        400: at_acme.get("/Users", filter="("),
        409: at_acme.post("/Users", BJENSEN),
        412: at_acme.delete(path, headers={"If-Match": '"9"'}),
        204: at_acme.delete(path),
        404: at_acme.get("/Users/1"),
        405: at_acme.put("/Users", {}),
    }

    assert {status: answer.status for status, answer in answers.items()} == {
        status: status for status in answers
    }
    assert {answer.headers["Content-Type"] for answer in answers.values()} == {MEDIA_TYPE}


def test_text_is_sent_as_utf_8_and_not_escaped(at_acme):
    answer = at_acme.post("/Users", user("zoe", displayName="Zo\u00eb \U0001f600"))

    assert '"displayName":"Zo\u00eb \U0001f600"' in answer.text
