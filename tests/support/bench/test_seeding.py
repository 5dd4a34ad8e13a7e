"""The seed of a bench run stores a user as the API does, whatever that is."""

import json
import re

import pytest
from django.db import connection

from tenants.current import in_tenant
from tests.support.bench import people, seeding

pytestmark = pytest.mark.owner  # a model is written, read, and taken away again

NUMBER, OTHER = 7, 10
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00")
PASSING = {"duration_ms", "request_id", "id", "at"}  # numbers and times of a row's own


@pytest.fixture
def session(acme):
    """The driver's connection, in the test's transaction and in the tenant's schema."""
    with in_tenant(acme):
        connection.ensure_connection()
        yield connection.connection


@pytest.fixture
def client(acme, scim):
    return scim(acme)


@pytest.fixture
def model(acme, client, session):
    since = session.execute("SELECT now()::text").fetchone()[0]
    before = seeding.snapshot(session, acme.schema_name)
    answer = client.post("/Users", people.posted(seeding.MODEL))
    found = seeding.model(session, acme.schema_name, before, since, answer.json["id"])
    assert seeding.snapshot(session, acme.schema_name) == before
    return found


def added(session, schema, before, number):
    """The rows of the user that came since, without what is of the user and of the moment."""
    rows = []
    for table, there in seeding.snapshot(session, schema).items():
        for row in there - before[table]:
            told = {k: v for k, v in json.loads(row).items() if k not in PASSING or v is None}
            text = TIME.sub("TIME", UUID7.sub("ID", json.dumps(told, sort_keys=True)))
            rows.append((table, text.replace(people.digits(number), "NUMBER")))
    return sorted(rows)


def test_a_seeded_user_has_the_rows_that_the_api_writes(acme, client, session, model):
    before = seeding.snapshot(session, acme.schema_name)
    list(seeding.fill(session, acme.schema_name, model, NUMBER, NUMBER + 1))
    seeded = added(session, acme.schema_name, before, NUMBER)
    before = seeding.snapshot(session, acme.schema_name)
    client.post("/Users", people.posted(OTHER))

    assert seeded == added(session, acme.schema_name, before, OTHER)


def test_a_seeded_user_is_read_as_a_created_one(acme, client, session, model):
    list(seeding.fill(session, acme.schema_name, model, NUMBER, OTHER))

    seeded = client.get(f"/Users/{people.identifier(NUMBER)}").json
    created = client.post("/Users", people.posted(OTHER)).json

    for user in (seeded, created):
        assert user.pop("meta")["version"]
        del user["id"]
    text = json.dumps(created).replace(people.digits(OTHER), people.digits(NUMBER))
    assert seeded == json.loads(text)


def test_a_model_survives_being_written_down(model):
    assert seeding.Model.of_json(json.loads(json.dumps(model.as_json()))) == model
