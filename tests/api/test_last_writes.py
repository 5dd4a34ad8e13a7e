"""A change of a user goes in one message with COMMIT, and is refused, logged and told of as ever."""

import pytest
from django.db import connection

from scim.events.models import DeliveryMethod, OutboxEvent
from scim.models import AttributeChange, ProvisioningEvent, Resource
from tenants.current import in_tenant
from tests.events import streams
from tests.support import bulk, database
from tests.support.clients import ScimClient, mint
from tests.support.payloads import BJENSEN, JSMITH, replace, user


@pytest.fixture
def services(real_tenants):
    """The services of two tenants, where each kind of change has come once."""
    pair = [ScimClient(tenant, mint(tenant)) for tenant in real_tenants]
    for service in pair:
        path = f"/Users/{service.post('/Users', user('leaver')).json['id']}"
        assert service.patch(path, replace("title", "Guide")).status == 200
        assert service.patch(path, replace("active", "False")).status == 200
        assert service.delete(path).status == 204
    return pair


@pytest.fixture
def initech(services):
    return services[0]


@pytest.fixture
def barbara(initech):
    """bjensen's path at initech."""
    return f"/Users/{initech.post('/Users', BJENSEN).json['id']}"


def rows(service, *models):
    """The numbers of rows in the service's tenant."""
    with in_tenant(service.tenant):
        return [model.objects.count() for model in models]


def test_a_create_and_a_change_are_two_messages(initech, barbara):
    put = {**BJENSEN, "title": "Head"}

    assert database.round_trips(lambda: initech.post("/Users", JSMITH)) == 2
    assert database.round_trips(lambda: initech.patch(barbara, replace("title", "Guide"))) == 2
    assert database.round_trips(lambda: initech.put(barbara, put)) == 2


def test_a_departure_costs_no_message_of_its_own(initech, barbara):
    away = replace("active", "False")

    assert database.round_trips(lambda: initech.patch(barbara, away)) == 2
    assert initech.get(barbara).json["active"] is False
    assert database.round_trips(lambda: initech.delete(barbara)) == 3  # and it leaves its groups


def test_each_tenant_has_its_own_change(services, barbara):
    initech, hooli = services
    other = f"/Users/{hooli.post('/Users', BJENSEN).json['id']}"

    assert initech.patch(barbara, replace("title", "Guide")).json["title"] == "Guide"
    assert hooli.patch(barbara, replace("title", "Guide")).status == 404

    assert initech.get(barbara).json["title"] == "Guide"
    assert "title" not in hooli.get(other).json


def test_a_name_that_is_taken_leaves_nothing_but_the_refusal(initech, barbara):
    smith = f"/Users/{initech.post('/Users', JSMITH).json['id']}"
    before = rows(initech, Resource, AttributeChange, ProvisioningEvent)

    created = initech.post("/Users", BJENSEN)
    renamed = initech.patch(smith, replace("userName", BJENSEN["userName"].upper()))

    assert [(each.status, each.json["scimType"]) for each in (created, renamed)] == [
        (409, "uniqueness"),
        (409, "uniqueness"),
    ]
    after = rows(initech, Resource, AttributeChange, ProvisioningEvent)
    assert after == [before[0], before[1], before[2] + 2]
    assert initech.get(smith).json["userName"] == JSMITH["userName"]
    assert initech.patch(smith, replace("title", "Guide")).status == 200


def test_a_former_version_is_refused_and_nothing_changes(initech, barbara):
    initech.patch(barbara, replace("title", "Guide"))
    stale = {"headers": {"If-Match": 'W/"1"'}}

    assert initech.patch(barbara, replace("title", "Head"), **stale).status == 412
    assert initech.delete(barbara, **stale).status == 412

    assert initech.get(barbara).json["title"] == "Guide"


def test_the_first_change_that_a_stream_wants_begins_again_and_is_queued_once(services, barbara):
    initech, hooli = services
    streams.created(initech.tenant, DeliveryMethod.POLL, event_uris=streams.NOTICES)
    before = rows(initech, ProvisioningEvent, AttributeChange)

    first = initech.patch(barbara, replace("title", "Guide"))
    second = initech.patch(barbara, replace("title", "Head"))

    assert [each.json["meta"]["version"] for each in (first, second)] == ['W/"2"', 'W/"3"']
    assert rows(initech, ProvisioningEvent, AttributeChange) == [each + 2 for each in before]
    with in_tenant(initech.tenant):
        queued = OutboxEvent.objects.order_by("version").values_list("version", flat=True)
        assert list(queued) == [2, 3]
    assert hooli.post("/Users", JSMITH).status == 201
    assert rows(hooli, OutboxEvent) == [0]


def test_only_the_first_such_change_begins_again(initech, barbara):
    streams.created(initech.tenant, DeliveryMethod.POLL, event_uris=streams.NOTICES)

    def change(title):
        return lambda: initech.patch(barbara, replace("title", title))

    first, *later = (database.round_trips(change(title)) for title in "abcdefghij")

    # Beginning with lock, write, and COMMIT; between those the streams, the event and its deliveries.
    assert later[-1] == 3 + 3
    assert first == later[0] + 3  # beginning with lock, the write that fails, and ROLLBACK


def test_a_departure_that_begins_again_is_noted_once(initech, barbara):
    streams.created(initech.tenant, DeliveryMethod.POLL, event_uris=streams.NOTICES)

    assert initech.patch(barbara, replace("active", "False")).status == 200

    with in_tenant(initech.tenant):
        gone = AttributeChange.objects.filter(path="active", resource_id=barbara[7:])
        assert gone.count() == 1
        assert list(OutboxEvent.objects.values_list("version", flat=True)) == [2]


def test_a_group_is_answered_with_its_members_as_ever(initech, barbara):
    members = [{"value": barbara.removeprefix("/Users/")}]

    made = initech.post("/Groups", {"displayName": "Guides", "members": members})

    assert made.status == 201
    assert [each["value"] for each in made.json["members"]] == [members[0]["value"]]


def test_a_change_whose_plans_a_migration_has_outdated_begins_again(services, barbara, caplog):
    """PostgreSQL refuses a prepared statement one of whose columns has another type since."""
    initech, hooli = services
    member = barbara.rpartition("/")[2]
    assert initech.post("/Groups", bulk.group("Tours", member)).status == 201
    before = rows(initech, ProvisioningEvent, Resource)
    with in_tenant(initech.tenant), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE scim_resource ALTER resource_type TYPE varchar(60)")

    answers = [
        initech.post("/Groups", bulk.group("Guides", member)),
        initech.patch(barbara, replace("title", "Guide")),
        initech.delete(barbara),
        hooli.post("/Users", JSMITH),
    ]

    assert [each.status for each in answers] == [201, 200, 204, 201]
    assert rows(initech, ProvisioningEvent, Resource) == [before[0] + 3, before[1] + 1]
    assert "unexpectedly" not in caplog.text
