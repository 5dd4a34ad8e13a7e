"""Resources in PostgreSQL: the contract that scim/repository/base.py states."""

from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from scim.models import AttributeChange, ProvisioningEvent
from scim.protocol.definitions import GROUP, USER
from scim.protocol.differences import changes
from scim.protocol.errors import Uniqueness
from scim.repository import resources
from scim.repository.base import Loading, Operation, Write
from tenants import clock
from tenants.current import in_tenant
from tests.support.events import event_of

LOADING = Loading("https://acme.mypolicies.com/scim")

BJENSEN = {"userName": "bjensen", "externalId": "1"}


@pytest.fixture
def inside(acme):
    """Inside acme's transaction."""
    with in_tenant(acme):
        yield


def a_write(resource, identifier=None, version=1, operation=Operation.CREATE):
    at = clock.now()
    identifier = identifier or clock.new_id(at)
    event = event_of(USER.name, identifier, clock.new_id(at), at, operation)
    return Write(USER, identifier, resource, version, event, changes(USER, {}, resource))


def test_an_inserted_resource_is_found_with_its_history_and_event(inside):
    write = a_write(BJENSEN)

    resources.write(write)

    found = resources.find(USER, write.id, LOADING)
    assert (found.resource, found.version, found.created) == (BJENSEN, 1, write.event.at)
    assert AttributeChange.objects.filter(resource_id=write.id).count() == 2
    assert ProvisioningEvent.objects.get().id == write.event.id


def test_a_removed_resource_is_not_found(inside):
    write = a_write(BJENSEN)
    resources.write(write)

    resources.write(a_write(BJENSEN, write.id, 2, Operation.DELETE))

    assert resources.find(USER, write.id, LOADING) is None
    assert resources.lock(USER, write.id, LOADING) is None


@pytest.mark.parametrize("name", ["bjensen", "BJensen", "BJENSEN"])
def test_a_second_unique_value_is_a_conflict_and_leaves_nothing_behind(name, inside):
    resources.write(a_write(BJENSEN))

    with pytest.raises(Uniqueness, match="userName"), transaction.atomic():
        resources.write(a_write({**BJENSEN, "userName": name}))

    assert ProvisioningEvent.objects.count() == 1
    assert AttributeChange.objects.count() == 2


def test_a_constraint_that_clients_cannot_meet_is_no_conflict(inside):
    """Told as what it is: a failure of ours."""
    write = a_write(BJENSEN)
    resources.write(write)

    with pytest.raises(IntegrityError), transaction.atomic():
        resources.write(a_write({"userName": "jsmith"}, write.id))


def test_an_id_of_another_type_is_not_found(inside):
    write = a_write(BJENSEN)
    resources.write(write)

    assert resources.find(GROUP, write.id, LOADING) is None
    assert resources.find(USER, UUID(int=7), LOADING) is None
