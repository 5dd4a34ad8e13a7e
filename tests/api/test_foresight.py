"""A GET by id and a look-up are one message between the worker and PostgreSQL, and answer as ever."""

from threading import Event

import pytest
from django.db import connection

from accounts.models import SecretToken
from scim.api import authentication
from tenants.current import in_tenant
from tests.support import database, meeting, oauth
from tests.support.clients import ScimClient, mint
from tests.support.over_http import NOW
from tests.support.payloads import BJENSEN, JSMITH, replace
from tests.support.waiting import WITHIN

BY_NAME = "/Users?filter=userName+eq+%22bjensen@acme.example%22"


@pytest.fixture
def services(real_tenants):
    """The services of two tenants, each of which has bjensen, and whose tokens were good lately."""
    pair = [ScimClient(tenant, mint(tenant)) for tenant in real_tenants]
    return [(each, each.post("/Users", BJENSEN).json["id"]) for each in pair]


@pytest.fixture
def initech(services):
    return services[0]


def sent(service, path):
    """The messages of a GET, after its log has been written for the minute."""
    service.get(path)
    return database.sent(lambda: service.get(path))


def test_a_read_is_one_message(initech):
    service, identifier = initech

    for path in (f"/Users/{identifier}", BY_NAME, BY_NAME.replace("bjensen", "nobody")):
        [message] = sent(service, path)
        assert message.startswith("BEGIN; ")
        assert message.endswith("; COMMIT")


def test_each_tenant_has_its_own_users(services):
    (initech, barbara), (hooli, other) = services
    hooli.patch(f"/Users/{other}", replace("title", "Guide"))

    for _ in range(2):
        assert "title" not in initech.get(BY_NAME).json["Resources"][0]
        assert hooli.get(BY_NAME).json["Resources"][0]["title"] == "Guide"
        assert initech.get(f"/Users/{other}").status == 404
        assert hooli.get(f"/Users/{barbara}").status == 404


def test_a_read_shows_the_latest_change(initech):
    service, identifier = initech
    service.patch(f"/Users/{identifier}", replace("title", "Guide"))
    assert service.get(f"/Users/{identifier}").json["title"] == "Guide"

    assert service.delete(f"/Users/{identifier}").status == 204
    assert service.get(f"/Users/{identifier}").status == 404
    assert service.get(BY_NAME).json["totalResults"] == 0


def test_a_token_that_was_revoked_shows_nothing_from_the_next_request_on(initech):
    service, identifier = initech
    with in_tenant(service.tenant):
        SecretToken.objects.update(revoked_at=NOW)

    answers = [service.get(f"/Users/{identifier}"), service.get(BY_NAME)]

    assert [each.status for each in answers] == [401, 401]
    assert all("was revoked" in each.json["detail"] for each in answers)
    assert len(database.sent(lambda: service.get(f"/Users/{identifier}"))[0].split("; ")) == 4


def test_nothing_is_read_for_a_token_that_was_not_good_lately(initech, monkeypatch):
    service, identifier = initech
    service.get(f"/Users/{identifier}")  # which is logged
    monkeypatch.setattr(authentication, "_good", {})

    begun, read = database.sent(lambda: service.get(f"/Users/{identifier}"))

    assert not begun.endswith("; COMMIT")
    assert read.endswith("; COMMIT")


def test_nothing_is_read_for_a_token_that_may_not_read(initech):
    service, identifier = initech
    path = f"/Users/{identifier}"
    writer = oauth.scim_client(service.tenant, oauth.create(service.tenant), scope="scim.write")
    assert writer.get(path).status == 403

    begun, *_ = sent(writer, path)  # the refusal's row in the log may follow
    assert "scim_resource" not in begun
    assert "scim_resource" in sent(service, path)[0]


def change(service, identifier, value):
    return service.patch(f"/Users/{identifier}", replace("title", value))


def lock(identifier):
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM scim_resource WHERE id = %s FOR UPDATE", [identifier])


@pytest.fixture
def changed(services):
    """The pair after a change of each."""
    for service, identifier in services:
        assert change(service, identifier, "Guide").status == 200
    return services


def test_the_lock_of_a_change_goes_with_the_beginning(changed):
    for service, identifier in changed:
        begun, written = database.sent(lambda: change(service, identifier, "Leader"))  # noqa: B023  # called here

        assert "FOR NO KEY UPDATE OF r SKIP LOCKED" in begun
        assert written.endswith("; COMMIT")
        assert service.get(f"/Users/{identifier}").json["title"] == "Leader"


def test_a_put_and_a_removal_lock_with_the_beginning_too(changed):
    (service, identifier), (hooli, other) = changed
    path = f"/Users/{identifier}"
    replaced = database.sent(lambda: service.put(path, BJENSEN))
    assert "SKIP LOCKED" in replaced[0]

    created = service.post("/Users", BJENSEN | {"userName": "leaver", "externalId": "l"})
    begun, *_ = database.sent(lambda: service.delete(f"/Users/{created.json['id']}"))
    assert "FOR UPDATE OF r SKIP LOCKED" in begun
    assert service.get(path).status == hooli.get(f"/Users/{other}").status == 200


def test_the_lock_of_another_tenants_user_is_not_there(changed):
    (initech, barbara), (hooli, other) = changed

    assert change(initech, other, "Leader").status == 404
    assert change(hooli, barbara, "Leader").status == 404
    assert hooli.get(f"/Users/{other}").json["title"] != "Leader"


def test_nobody_waits_for_a_row_with_the_beginning(changed):
    """Whoever has the row is waited for where every change waits, after authentication."""
    service, identifier = changed[0]
    is_held = Event()

    def hold():
        with in_tenant(service.tenant):
            lock(identifier)
            is_held.set()
            meeting.until_waiting(1)

    with meeting.starting() as start:
        holding = start(hold)
        assert is_held.wait(WITHIN)
        begun, locked, _ = database.sent(lambda: change(service, identifier, "Leader"))
        holding.result()

    assert "SKIP LOCKED" in begun
    assert locked.rstrip().endswith("FOR NO KEY UPDATE OF r")
    assert service.get(f"/Users/{identifier}").json["title"] == "Leader"


def test_no_row_is_locked_for_a_token_that_may_not_write_or_was_not_good_lately(
    changed, monkeypatch
):
    service, identifier = changed[0]
    reader = oauth.scim_client(service.tenant, oauth.create(service.tenant), scope="scim.read")
    assert change(reader, identifier, "Leader").status == 403
    begun, *_ = database.sent(lambda: change(reader, identifier, "Leader"))
    assert "scim_resource" not in begun

    monkeypatch.setattr(authentication, "_good", {})
    begun, locked, _ = database.sent(lambda: change(service, identifier, "Leader"))
    assert "scim_resource" not in begun
    assert locked.rstrip().endswith("FOR NO KEY UPDATE OF r")


def test_no_row_is_locked_before_a_large_body_has_come(changed):
    service, identifier = changed[0]

    begun, *_ = database.sent(lambda: change(service, identifier, "x" * 70_000))

    assert "scim_resource" not in begun


def test_a_change_that_is_refused_leaves_the_row_to_others(changed):
    service, identifier = changed[0]
    path = f"/Users/{identifier}"

    refused = [
        service.patch(path, replace("nothing", "x")),
        service.patch(path, replace("userName", "")),
        service.patch(path, replace("title", "x"), headers={"If-Match": 'W/"1"'}),
        service.patch(path, {"schemas": []}),
    ]

    assert [each.status for each in refused] == [400, 400, 412, 400]
    with meeting.starting() as start:
        start(meeting.impatiently, service.tenant, lock, identifier).result()


def test_conditions_projections_and_refusals_are_as_ever(initech):
    service, identifier = initech
    path = f"/Users/{identifier}"
    tag = service.get(path).headers["ETag"]

    assert service.get(path, headers={"If-None-Match": tag}).status == 304
    assert set(service.get(f"{path}?attributes=title").json) == {"id", "schemas"}
    assert set(service.get(f"{BY_NAME}&attributes=userName").json["Resources"][0]) >= {"userName"}
    refused = service.get("/Users?filter=userName+eq")
    assert (refused.status, refused.json["scimType"]) == (400, "invalidFilter")
    assert service.get("/Users/nobody").status == 404
    assert service.get("/Nothing").status == 404


def test_groups_of_a_user_are_shown(initech):
    service, identifier = initech
    group = {"displayName": "Guides", "externalId": "g", "members": [{"value": identifier}]}
    made = service.post("/Groups", group).json["id"]

    assert service.get(f"/Users/{identifier}").json["groups"][0]["value"] == made
    assert service.get(BY_NAME).json["Resources"][0]["groups"][0]["value"] == made


def test_two_who_are_named_alike_by_an_external_id_are_both_found(initech):
    service, _ = initech
    service.post("/Users", {**JSMITH, "externalId": BJENSEN["externalId"]})
    path = f"/Users?filter=externalId+eq+%22{BJENSEN['externalId']}%22"

    assert [service.get(path).json["totalResults"] for _ in range(2)] == [2, 2]


@pytest.fixture
def impatient(initech):
    """The service, on a connection whose statements end soon."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '200ms'")
    yield initech
    connection.close()


@pytest.mark.parametrize("goes_ahead", [True, False])
def test_a_read_that_waits_too_long_is_a_busy_service(goes_ahead, impatient, monkeypatch):
    service, identifier = impatient
    locked, answered = Event(), Event()

    def lock():
        with in_tenant(service.tenant), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE scim_resource")
            locked.set()
            answered.wait(WITHIN)

    if not goes_ahead:
        monkeypatch.setattr(authentication, "_good", {})
    with meeting.starting() as start:
        holding = start(lock)
        try:
            assert locked.wait(WITHIN)
            answer = service.get(f"/Users/{identifier}")
        finally:
            answered.set()
        holding.result(WITHIN)

    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
