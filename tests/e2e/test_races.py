"""Requests that meet: no acknowledged change is lost, of equals one wins, nothing fails.

Against a server of its own with two processes; the requests of one race start together, each on its
own connection.
"""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import Barrier

import pytest

from tests.support.payloads import patch, replace, user
from tests.support.server import new_server
from tests.support.waiting import WITHIN

pytestmark = pytest.mark.e2e

ROUNDS = 10
WRITABLE = [
    "displayName",
    "nickName",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "name.givenName",
    "name.familyName",
    "name.middleName",
    "name.honorificPrefix",
    "name.honorificSuffix",
]


class Racer:
    """Speaks to the demo tenant of a running server, from many threads at once."""

    def __init__(self, server):
        self._port = server.port
        self._headers = {
            "Host": "demo0-qa.mypolicies.localhost",
            "Authorization": f"Bearer {server.token}",
            "Content-Type": "application/scim+json",
        }

    def ask(self, method, path, body=None, headers=(), barrier=None):
        """Status and JSON of one request, sent when all that wait at the barrier are there."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=WITHIN)
        try:
            connection.connect()
            if barrier:
                barrier.wait(WITHIN)
            raw = None if body is None else json.dumps(body)
            connection.request(method, f"/scim{path}", raw, {**self._headers, **dict(headers)})
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text else None
        finally:
            connection.close()

    def race(self, requests):
        """The answers to requests that are sent at once, in their order."""
        barrier = Barrier(len(requests))
        with ThreadPoolExecutor(len(requests)) as pool:
            running = [pool.submit(self.ask, *each, barrier=barrier) for each in requests]
            return [each.result() for each in running]

    def create(self, name):
        status, created = self.ask("POST", "/Users", user(name))
        assert status == 201
        return f"/Users/{created['id']}"


@pytest.fixture(scope="module")
def racer():
    """One server for all races: a start takes longer than they do."""
    with new_server() as server:
        server.start()
        yield Racer(server)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_of_twenty_equal_creates_one_wins(number, racer):
    """RFC 7644 §3.3; the others are told of the conflict, in whatever letter case they came."""
    names = [f"Race{number}", f"RACE{number}", f"race{number}", f"rAcE{number}"] * 5

    answers = racer.race([("POST", "/Users", user(name)) for name in names])

    assert Counter(status for status, _ in answers) == {201: 1, 409: 19}
    assert {body["scimType"] for status, body in answers if status == 409} == {"uniqueness"}
    [winner] = [body for status, body in answers if status == 201]
    _, found = racer.ask("GET", f"/Users?filter=userName+eq+%22race{number}@acme.example%22")
    assert found["Resources"] == [winner]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_changes_of_different_attributes_are_all_there(number, racer):
    """Entra sends an operation for each attribute, and may send them side by side."""
    path = racer.create(f"lost{number}")

    answers = racer.race([("PATCH", path, replace(each, each)) for each in WRITABLE])

    assert {status for status, _ in answers} == {200}
    _, after = racer.ask("GET", path)
    there = {**after, **{f"name.{part}": value for part, value in after["name"].items()}}
    assert {each: there[each] for each in WRITABLE} == {each: each for each in WRITABLE}
    assert after["meta"]["version"] == f'W/"{1 + len(WRITABLE)}"'
    versions = {body["meta"]["version"] for _, body in answers}
    assert len(versions) == len(WRITABLE)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_of_many_who_saw_the_same_version_one_wins(number, racer):
    """RFC 7644 §3.14: If-Match and the change are one step."""
    path = racer.create(f"match{number}")
    condition = {"If-Match": 'W/"1"'}

    answers = racer.race([("PATCH", path, replace("title", f"t{n}"), condition) for n in range(12)])

    assert Counter(status for status, _ in answers) == {200: 1, 412: 11}
    [winner] = [body for status, body in answers if status == 200]
    assert racer.ask("GET", path) == (200, winner)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_change_beside_a_delete_is_made_or_not_found(number, racer):
    path = racer.create(f"gone{number}")

    answers = racer.race(
        [("PATCH", path, replace("title", "x")), ("DELETE", path), ("PUT", path, user("y"))] * 4
    )

    statuses = Counter((index % 3, status) for index, (status, _) in enumerate(answers))
    assert statuses[1, 204] == 1
    assert set(statuses) <= {(0, 200), (0, 404), (1, 204), (1, 404), (2, 200), (2, 404)}
    assert racer.ask("GET", path)[0] == 404
    assert racer.ask("POST", "/Users", user(f"gone{number}"))[0] == 201


@pytest.mark.parametrize("number", range(ROUNDS))
def test_of_several_who_take_one_name_one_gets_it(number, racer):
    paths = [racer.create(f"several{number}-{n}") for n in range(8)]
    name = f"wanted{number}@acme.example"

    answers = racer.race([("PATCH", path, replace("userName", name)) for path in paths])

    assert Counter(status for status, _ in answers) == {200: 1, 409: 7}


def test_users_who_point_at_each_other_do_not_wait_for_each_other(racer):
    one, two = racer.create("deadlock1"), racer.create("deadlock2")
    manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"

    answers = racer.race(
        [
            ("PATCH", path, patch({"op": "add", "path": manager, "value": other.split("/")[2]}))
            for path, other in [(one, two), (two, one)] * 8
        ]
    )

    assert {status for status, _ in answers} == {200}


def test_a_charset_that_is_none_fails_nothing(racer):
    """Django decodes the query string with it before any middleware could answer."""
    named = {"Content-Type": "application/scim+json; charset=bz2"}

    assert racer.ask("GET", "/Users?filter=%00", headers=named)[0] == 400
    assert racer.ask("GET", f"/Users?{'a&' * 1001}", headers=named)[0] == 400
    assert racer.ask("GET", "/Users?count=0&x=%00", headers=named)[0] == 200
