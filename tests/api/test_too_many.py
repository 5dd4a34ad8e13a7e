"""Lists that the database cannot compute in time are refused as such (RFC 7644 §3.12, tooMany).

Any other reason for which it does not answer is none of the client's: 503.
"""

import pytest
from django.db import connection

from scim.models import ProvisioningEvent
from tenants.current import in_tenant
from tests.support import database
from tests.support.payloads import error

pytestmark = pytest.mark.one_node  # Citus makes no view of two statements a shard

LIMIT = "SET LOCAL statement_timeout = '1s'"
# A statement on acme's resources waits for longer than the limit, on any machine.
SLOW = """
ALTER TABLE scim_resource RENAME TO hidden;
CREATE VIEW scim_resource AS SELECT hidden.* FROM pg_sleep(60) LEFT JOIN hidden ON TRUE;
GRANT SELECT ON scim_resource TO PUBLIC
"""
# A statement that an operator cancels, with PostgreSQL's own words.
CANCELED = """
ALTER TABLE scim_resource RENAME TO hidden;
CREATE FUNCTION {schema}.fail() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION USING ERRCODE = '57014', MESSAGE = 'canceling statement due to user request';
END $$;
CREATE VIEW scim_resource AS SELECT hidden.* FROM fail() LEFT JOIN hidden ON fail;
GRANT SELECT ON scim_resource TO PUBLIC
"""
USERS = "id, userName, externalId, emails.value, displayName, name.familyName, groups.value (User)"
GROUPS = "id, externalId, displayName, members.value (Group)"
BY_INDEX = 'Filter by an attribute with an index, alone or joined to the rest by "and":'


def execute(tenant, *statements):
    with in_tenant(tenant), database.owned(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def refused(advice):
    detail = f"The list takes too long to compute. {advice}"
    return 400, error(400, detail, "tooMany")


@pytest.fixture
def slow(at_acme, acme):
    """A client of acme, whose resources are read too slowly."""
    execute(acme, SLOW, LIMIT)
    return at_acme


@pytest.mark.parametrize(
    ("path", "query", "advice"),
    [
        ("/Users", {"filter": 'displayName co "jens"'}, f"{BY_INDEX} {USERS}."),
        ("/", {"filter": 'id co "1"'}, f"{BY_INDEX} {USERS} or {GROUPS}."),
        ("/Users", {"sortBy": "title"}, "Leave out sortBy, or add a filter."),
        (
            "/Groups",
            {"cursor": ""},
            "Add a filter. Leave members out (excludedAttributes=members), or ask for fewer with count.",
        ),
    ],
)
def test_a_list_that_takes_too_long_is_refused_with_advice(path, query, advice, slow, at_globex):
    answer = slow.get(path, **query)

    assert (answer.status, answer.json) == refused(advice)
    assert "Retry-After" not in answer.headers
    assert at_globex.get(path, **query).status == 200


def test_a_search_is_refused_likewise_and_logged(slow, acme, events):
    answer = slow.post("/Users/.search", {"filter": 'title eq "Guide"'})

    assert (answer.status, answer.json) == refused(f"{BY_INDEX} {USERS}.")
    [event] = [each for each in events(acme) if each.operation == "query"]
    assert (event.status, event.scim_type, event.detail) == (400, "tooMany", answer.json["detail"])
    assert isinstance(event, ProvisioningEvent)


@pytest.mark.parametrize(
    "path", ["/Me", "/Users/019ab8c4-0000-7000-8000-000000000001"], ids=["me", "one"]
)
def test_a_look_up_that_is_no_list_of_the_clients_is_an_outage(path, slow):
    answer = slow.get(path)

    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")


def test_a_statement_that_somebody_canceled_is_an_outage(at_acme, acme):
    execute(acme, CANCELED.format(schema=acme.schema_name))

    answer = at_acme.get("/Users", filter='title eq "Guide"')

    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
