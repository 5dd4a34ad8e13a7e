"""The floor answers what the product answers, for the attributes that it has."""

import io
import json

import pytest
from django.db import connection

from config import gunicorn
from config.worker import Worker
from tenants.current import in_tenant
from tests.support.bench import contestants, floor, people

TOKEN = "a token of the floor"
NUMBER = 7


class Bare:
    """The floor's application in the test's transaction."""

    def send(self, method, path, body=None):
        path, _, query = path.partition("?")
        sent = b"" if body is None else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": f"/scim{path}",
            "QUERY_STRING": query,
            "HTTP_AUTHORIZATION": f"Bearer {TOKEN}",
            "CONTENT_LENGTH": str(len(sent)),
            "wsgi.input": io.BytesIO(sent),
        }
        status = []
        parts = floor.application(environ, lambda line, _headers: status.append(int(line[:3])))
        return status[0], b"".join(parts)


@pytest.fixture
def bare(acme, monkeypatch):
    with in_tenant(acme):
        connection.ensure_path()
        session = connection.connection
        # Temporary tables are found whatever schema a request has left.
        session.execute(floor.SCHEMA.replace("CREATE TABLE", "CREATE TEMPORARY TABLE"))
        session.execute("INSERT INTO token VALUES (%s, 0)", [floor.digest(TOKEN)])
        monkeypatch.setattr(floor._of_thread, "connection", session, raising=False)
        yield Bare()


@pytest.fixture
def both(bare, scim, acme):
    """`both(method, path, body)`: the answers of floor and product; {id} is the id of each."""
    client = scim(acme)
    ids = {}

    def send(method, path, body=None):
        status, text = bare.send(method, path.replace("{id}", ids.get("floor", "")), body)
        answer = client.send(method, path.replace("{id}", ids.get("product", "")), body)
        assert status == answer.status
        values = json.loads(text or "null"), json.loads(answer.text or "null")
        if method == "POST":
            ids["floor"], ids["product"] = (value["id"] for value in values)
        return values

    return send


def of_moment(user):
    """The user without its id and times."""
    meta = {name: user["meta"][name] for name in ("resourceType", "version")}
    return {**user, "id": None, "meta": meta}


def expect_same(mine, theirs):
    assert of_moment(mine) == of_moment(theirs)
    assert mine["meta"].keys() <= theirs["meta"].keys()


def test_a_created_user_is_answered_alike(both):
    expect_same(*both("POST", "/Users", people.posted(NUMBER)))


def test_a_user_is_read_alike(both):
    both("POST", "/Users", people.posted(NUMBER))

    expect_same(*both("GET", "/Users/{id}"))


def test_a_changed_user_is_answered_alike(both):
    both("POST", "/Users", people.posted(NUMBER))

    body = people.patched("Smith", "babs@bench.example", active=False)
    expect_same(*both("PATCH", "/Users/{id}", body))


@pytest.mark.parametrize(
    "query",
    [
        f"filter=userName%20eq%20%22{people.user_name(NUMBER).upper()}%22",
        "startIndex=1&count=100",
        "startIndex=2&count=1",
    ],
)
def test_users_are_listed_alike(query, both):
    for number in range(NUMBER, NUMBER + 2):
        both("POST", "/Users", people.posted(number))

    mine, theirs = both("GET", f"/Users?{query}")

    users = mine.pop("Resources"), theirs.pop("Resources")
    assert mine == theirs
    assert mine["itemsPerPage"] == len(users[0])
    for pair in zip(*users, strict=True):
        expect_same(*pair)


def test_a_look_up_that_finds_nobody_is_answered_alike(both):
    mine, theirs = both("GET", "/Users?filter=userName%20eq%20%22nobody%22")

    assert mine == theirs


def test_a_deleted_user_is_gone_from_both(both):
    both("POST", "/Users", people.posted(NUMBER))

    assert both("DELETE", "/Users/{id}") == (None, None)
    mine, theirs = both("GET", "/Users/{id}")
    assert mine["status"] == theirs["status"] == "404"


def test_a_token_that_is_not_known_is_refused(bare, monkeypatch):
    monkeypatch.setitem(globals(), "TOKEN", "another")

    assert bare.send("GET", "/Users/1")[0] == 401


def test_the_floor_is_served_as_the_product_is():
    assert {
        "worker-class": "gthread",
        "workers": contestants.WORKERS,  # WEB_CONCURRENCY of the product in a run
        "threads": gunicorn.threads,
        "keep-alive": gunicorn.keepalive,
        "timeout": gunicorn.timeout,
        "graceful-timeout": gunicorn.graceful_timeout,
        "limit-request-line": gunicorn.limit_request_line,
        "log-level": gunicorn.loglevel,
    } == contestants.SETTINGS
    assert Worker.__mro__[1].__name__ == "ThreadWorker"
